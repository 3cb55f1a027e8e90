import type { BodyPiece } from "../body-piece.ts";

/** Longer bodies are neither read nor written as a whole where there is a disk: they stay in their files. */
export const wholeBytes: number = 1024 ** 2;

/** A body that stays in a file. Whoever holds it lets go of it, and the last one closes the file. */
export interface BodyFile {
  readonly length: number;
  /** Which file it is, whatever its name leads to by now. */
  readonly inode: number;
  hold(): void;
  release(): void;
  /**
   * Reads from `at` to the end of the last of so many blocks, or to `end` if that is before; the piece is nobody else's. Rejects if the file cannot
   * be read, or is not what was written.
   */
  read(at: number, end: number, blocks: number): Promise<BodyPiece>;
}

/** A body in memory, or in a file. */
export type StoredBody = Buffer | BodyFile;

/** Gives the body's file; null if it is in memory. */
export function fileOfBody(body: StoredBody): BodyFile | null {
  return Buffer.isBuffer(body) ? null : body;
}
