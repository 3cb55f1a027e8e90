import { crc32 } from "node:zlib";
import { z } from "zod";
import { wholeBytes } from "../body-file.ts";
import type { Described } from "../stored-response.ts";
import { sumsBytes, type BodySum } from "./body-sums.ts";

/**
 * The file of an entry. A head of 20 octets: `EHC1`, the length of the description, that of the body, the body's
 * checksum, and the CRC-32 of all of this and the description; then the description as JSON, then the body, and behind one of more than a block
 * the checksums of its blocks. Behind a body that is longer than what is read as a whole there may be amendments of the
 * description (`disk-amendment.ts`). Numbers are of 32 bits, the lowest octet first. What differs from that anywhere is no entry.
 */

const magic = 0x31434845;
/** Octets before the description. */
export const prefixBytes = 20;
/** Longer ones are not written. */
const mostDescriptionBytes = 1024 ** 2;
/** Bodies are shorter. */
export const mostBodyBytes: number = 2 ** 31;

/** Room for one amendment, a multiple of what file systems write at once; who has more to say writes the file anew. */
export const amendmentBytes: number = 8 * 1024;
export const amendmentCount: number = 2;
const fileBlockBytes = 4096;

/** What a file says of its body. */
export interface Description extends Described {
  /** When it was of age 0, and when it was asked for; milliseconds of Unix time. */
  readonly bornMs: number;
  readonly askedMs: number;
}

const descriptionSchema: z.ZodType<Description> = z.strictObject({
  url: z.string(),
  upstream: z.string(),
  selecting: z.array(z.tuple([z.string(), z.string().nullable()])),
  statusLine: z.string(),
  lines: z.array(z.tuple([z.string(), z.string()])),
  bornMs: z.number(),
  askedMs: z.number(),
});

/** What stands before the body of a file. */
export interface EntryHead extends BodySum {
  readonly description: Description;
  /** Where the body begins. */
  readonly bodyStart: number;
  /** Where amendments begin; behind a shorter body there are none. */
  readonly amendmentsStart: number;
  /** The CRC-32 in it, by which amendments know that they belong to it. */
  readonly checksum: number;
}

/** Writes a description; null if it is too long. */
export function encodeDescription(description: Description): Buffer | null {
  const text = Buffer.from(JSON.stringify(description));
  return text.length > mostDescriptionBytes ? null : text;
}

/** Writes what stands before a description. */
export function encodePrefix(text: Buffer, { bodyChecksum, bodyLength }: BodySum): Buffer {
  const head = Buffer.allocUnsafe(prefixBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(text.length, 4);
  head.writeUInt32LE(bodyLength, 8);
  head.writeUInt32LE(bodyChecksum, 12);
  head.writeUInt32LE(crc32(text, crc32(head.subarray(0, 16))), 16);
  return head;
}

/** Tells how long the head is that begins so; null if it is none. */
export function headLength(start: Buffer): number | null {
  if (start.length < prefixBytes || start.readUInt32LE(0) !== magic) return null;
  const length = start.readUInt32LE(4);
  return length > mostDescriptionBytes ? null : prefixBytes + length;
}

/** Reads what stands before the body of a file of `fileBytes`; null if anything is wrong with it. */
export function decodeHead(start: Buffer, fileBytes: number): EntryHead | null {
  const bodyStart = headLength(start);
  if (bodyStart === null || start.length < bodyStart) return null;
  const text = start.subarray(prefixBytes, bodyStart);
  const checksum = start.readUInt32LE(16);
  if (crc32(text, crc32(start.subarray(0, 16))) !== checksum) return null;
  const bodyLength = start.readUInt32LE(8);
  const end = bodyStart + bodyLength + sumsBytes(bodyLength);
  const amendmentsStart = Math.ceil(end / fileBlockBytes) * fileBlockBytes;
  const mostBytes = bodyLength > wholeBytes ? amendmentsStart + amendmentCount * amendmentBytes : end;
  if (fileBytes < end || fileBytes > mostBytes) return null;
  const description = readDescription(text);
  if (description === null) return null;
  const bodyChecksum = start.readUInt32LE(12);
  return { description, bodyStart, bodyLength, bodyChecksum, amendmentsStart, checksum };
}

/** Reads a description; null for one of another version, which has a right checksum, too. */
export function readDescription(text: Buffer): Description | null {
  try {
    return descriptionSchema.safeParse(JSON.parse(text.toString())).data ?? null;
  } catch {
    return null;
  }
}
