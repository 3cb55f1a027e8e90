/** RFC 1071: gives the one's complement sum of 16-bit words on top of `start`, folded to 16 bits; odd bytes are padded with 0. */
export function onesComplementSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** Gives the checksum field of a message in which it is zero so far; `pseudoHeader` is the sum of what it covers beside. */
export function internetChecksum(message: Uint8Array, pseudoHeader = 0): number {
  return ~onesComplementSum(message, pseudoHeader) & 0xffff;
}
