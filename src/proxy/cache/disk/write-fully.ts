import type { FileHandle } from "node:fs/promises";

/** Written at once, at most. */
const pieceBytes = 1024 ** 2;

/** Writes all of `bytes` into a file from `position` on. */
export async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(pieceBytes, bytes.length - at);
    const { bytesWritten } = await handle.write(bytes, at, length, position + at);
    at += bytesWritten;
  }
}
