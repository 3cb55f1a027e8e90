/**
 * Lengths in bits of the codes of the 256 octets and of the end mark (RFC 7541 Appendix B), one digit to the base 36 each. The
 * codes follow from them: they are counted up from the shortest, equal lengths in the order of the octets.
 */
const lengths =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fb" +
  "edskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrs" +
  "rrrrrqu";
const endMark = 256;

/** Bits that one look-up takes: every octet of usual text has a shorter code. */
const lookupBits = 10;

/** By the next ten bits: the octet's code length in the upper, the octet in the lower eight bits; 0 where the code is longer. */
const lookup = new Uint16Array(1 << lookupBits);
/** Codes longer than that, by length and code. */
const longCodes = new Map<number, number>();

function keyOf(code: number, length: number): number {
  return code * 32 + length;
}

{
  const order = Array.from(lengths, (digit, symbol) => ({ length: Number.parseInt(digit, 36), symbol }));
  order.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let code = 0;
  let before = 0;
  for (const { length, symbol } of order) {
    code *= 2 ** (length - before);
    before = length;
    if (length > lookupBits) longCodes.set(keyOf(code, length), symbol);
    else
      lookup.fill((length << 8) | symbol, code << (lookupBits - length), (code + 1) << (lookupBits - length));
    code += 1;
  }
}

/**
 * Decodes a text in Huffman's code to Latin-1, one character an octet; null if it is malformed: an end mark inside, or padding
 * that is longer than 7 bits or not all ones (RFC 7541 §5.2).
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | null {
  let text = "";
  let bits = 0;
  let count = 0;
  let at = start;
  for (;;) {
    while (count < 24 && at < end) {
      bits = (bits << 8) | (bytes[at++] ?? 0);
      count += 8;
    }
    if (count < 5) break;
    const next = count >= lookupBits ? bits >>> (count - lookupBits) : bits << (lookupBits - count);
    const found = lookup[next & ((1 << lookupBits) - 1)] ?? 0;
    if (found !== 0) {
      const length = found >> 8;
      if (length > count) break;
      text += String.fromCharCode(found & 0xff);
      count -= length;
      bits &= (1 << count) - 1;
      continue;
    }
    const long = longCode(bytes, at, { bits, count }, end);
    if (long === null) break;
    if (long.symbol === endMark) return null;
    text += String.fromCharCode(long.symbol);
    ({ at, bits, count } = long);
  }
  // What is left has to be the beginning of the end mark: all ones.
  return at === end && count < 8 && bits === (1 << count) - 1 ? text : null;
}

interface LongCode {
  readonly symbol: number;
  readonly at: number;
  readonly bits: number;
  readonly count: number;
}

/** Reads a code of more than ten bits; null if the text ends before one does. */
function longCode(
  bytes: Uint8Array,
  from: number,
  held: { readonly bits: number; readonly count: number },
  end: number,
): LongCode | null {
  let { bits, count } = held;
  let at = from;
  for (let length = lookupBits + 1; length <= 30; length++) {
    if (count < length) {
      if (at >= end) return null;
      bits = bits * 256 + (bytes[at++] ?? 0);
      count += 8;
    }
    const symbol = longCodes.get(keyOf(Math.floor(bits / 2 ** (count - length)), length));
    if (symbol === undefined) continue;
    count -= length;
    return { symbol, at, bits: bits % 2 ** count, count };
  }
  return null;
}
