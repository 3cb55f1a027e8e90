import { crc32 } from "node:zlib";
import { amendmentBytes, amendmentCount, readDescription, type EntryHead } from "./disk-entry.ts";

/**
 * What was said anew of an answer whose long body stays in its file, as by a server that found it unchanged: written behind everything else, so
 * that nothing is copied. There is room for two, in blocks of their own. The newest that is whole counts, else what stands at the beginning; the
 * next one is written over the other, so that one is whole at any moment, whoever is cut off amid writing it or reads meanwhile.
 *
 * Each has 12 octets, numbers as in the head: `EHA1`, the length of the description, and the CRC-32 of these and of the description, begun
 * with the head's own, so that it was written for this file; then the description.
 */

const magic = 0x31414845;
const prefixBytes = 12;

/** Writes an amendment for a file with this head; null if there is no room for it. */
export function encodeAmendment(text: Buffer, head: EntryHead): Buffer | null {
  if (prefixBytes + text.length > amendmentBytes) return null;
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix.writeUInt32LE(magic, 0);
  prefix.writeUInt32LE(text.length, 4);
  prefix.writeUInt32LE(checksum(prefix, text, head), 8);
  return Buffer.concat([prefix, text]);
}

/** A head with what was said last, and the offset in the file at which the next amendment is written. */
export interface Amended {
  readonly head: EntryHead;
  readonly next: number;
}

/** Reads what stands in a file from `amendmentsStart` on. */
export function readAmendments(head: EntryHead, bytes: Buffer): Amended {
  const start = head.amendmentsStart;
  let newest: Amended = { head, next: start };
  for (let index = 0; index < amendmentCount; index++) {
    const description = readOne(bytes.subarray(index * amendmentBytes, (index + 1) * amendmentBytes), head);
    if (description === null || description.askedMs < newest.head.description.askedMs) continue;
    const next = start + ((index + 1) % amendmentCount) * amendmentBytes;
    newest = { head: { ...head, description }, next };
  }
  return newest;
}

function readOne(bytes: Buffer, head: EntryHead): EntryHead["description"] | null {
  if (bytes.length < prefixBytes || bytes.readUInt32LE(0) !== magic) return null;
  const end = prefixBytes + bytes.readUInt32LE(4);
  if (end > bytes.length) return null;
  const text = bytes.subarray(prefixBytes, end);
  return bytes.readUInt32LE(8) === checksum(bytes, text, head) ? readDescription(text) : null;
}

function checksum(prefix: Buffer, text: Buffer, head: EntryHead): number {
  return crc32(text, crc32(prefix.subarray(0, 8), head.checksum));
}
