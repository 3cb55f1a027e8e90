import type { FileHandle } from "node:fs/promises";

/** Fills `bytes` from `at` on with what stands from `position` on in a file; false if that ends before. */
export async function readFully(
  handle: FileHandle,
  bytes: Buffer,
  at: number,
  position: number,
): Promise<boolean> {
  for (let next = at; next < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, next, bytes.length - next, position + next - at);
    if (bytesRead === 0) return false;
    next += bytesRead;
  }
  return true;
}
