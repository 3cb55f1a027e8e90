import { crc32 } from "node:zlib";

/** Checksums of a body, one for each block, so that a part of it can be told to be right without the rest. */

/** Bodies are read from files in blocks of this. */
export const blockBytes: number = 256 * 1024;
const sumBytes = 4;

/** What a file says of its body beside what it is. */
export interface BodySum {
  readonly bodyLength: number;
  /** CRC-32 of a body of one block; of a longer one that of the list of its blocks' CRC-32. */
  readonly bodyChecksum: number;
}

/** Gives the length of the list of sums that stands behind a body: none if it is one block. */
export function sumsBytes(bodyLength: number): number {
  return bodyLength <= blockBytes ? 0 : sumBytes * Math.ceil(bodyLength / blockBytes);
}

/** Gives the sum of a block out of a list. */
export function sumOf(list: Buffer, block: number): number {
  return list.readUInt32LE(sumBytes * block);
}

/** Adds up a body while it passes. */
export class BodySums {
  private readonly sums: number[] = [];
  private length = 0;
  private current = 0;

  /** Takes the next bytes. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const inBlock = this.length % blockBytes;
      const end = Math.min(bytes.length, at + blockBytes - inBlock);
      this.current = crc32(bytes.subarray(at, end), inBlock === 0 ? 0 : this.current);
      this.sums[Math.trunc(this.length / blockBytes)] = this.current;
      this.length += end - at;
      at = end;
    }
  }

  /** Gives what the list of sums is. */
  list(): Buffer {
    const list = Buffer.allocUnsafe(sumsBytes(this.length));
    if (list.length > 0)
      for (const [block, sum] of this.sums.entries()) list.writeUInt32LE(sum, sumBytes * block);
    return list;
  }

  /** Gives what the file says of the body that has passed. */
  whole(): BodySum {
    const bodyLength = this.length;
    return { bodyLength, bodyChecksum: bodyLength <= blockBytes ? this.current : crc32(this.list()) };
  }
}
