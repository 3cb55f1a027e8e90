import { giveBack } from "./streams/read-memory.ts";

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
