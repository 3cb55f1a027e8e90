import { giveBack, isLent } from "./streams/read-memory.ts";

/** Shorter ones lie in the memory of the garbage collector, which has nothing to give back early. */
const leastBytes = 4096;

/**
 * Gives the memory of bytes that nobody needs any more back at once: what is read next then comes to lie in the same place, which
 * is still in the processor's cache. Left to the garbage collector, dozens of megabytes are written through before it looks.
 * Whoever reads these bytes afterwards finds none.
 */
export function letGo(bytes: Buffer): void {
  if (giveBack(bytes)) return;
  if (bytes.length >= leastBytes && bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
}

/** What is longer than this is worth the memory that it is kept in. */
const mostCopied = 128 * 1024;

/** Bytes that wait; if they are `isFree`, their memory is given back behind them. */
export interface Kept {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly isFree: boolean;
}

/**
 * Gives bytes that may be kept for long. What was read over a socket of our own is copied: a few bytes that a slow peer leaves here would
 * keep half a megabyte, in which there is nothing else that anybody needs.
 */
export function kept(bytes: Buffer): Buffer {
  return isLent(bytes) ? Buffer.from(bytes) : bytes;
}

/** Gives the same for what waits to be written. What is long and will be given back stays where it is, for it keeps little else. */
export function keptPiece(piece: Kept): Kept {
  const { bytes, end, isFree, start } = piece;
  if (!isLent(bytes) || (isFree && end - start > mostCopied)) return piece;
  const copy = Buffer.from(bytes.subarray(start, end));
  if (isFree) letGo(bytes);
  return { bytes: copy, start: 0, end: copy.length, isFree: false };
}
