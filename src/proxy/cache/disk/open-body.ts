import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { BodyPiece } from "../../body-piece.ts";
import type { BodyFile } from "../body-file.ts";
import { blockBytes, sumOf } from "./body-sums.ts";
import type { EntryHead } from "./disk-entry.ts";
import type { Lane } from "./lane.ts";
import { readFully } from "./read-fully.ts";

/** A file that was found with a long body. */
export interface OpenedFile {
  readonly handle: FileHandle;
  /** Which file it is, whatever its name leads to by now. */
  readonly inode: number;
  readonly head: EntryHead;
  /** The checksums of its blocks. */
  readonly sums: Buffer;
}

/** The file is not what was written. */
export class DamagedFile extends Error {}

/** Around a body. */
export interface OpenBodyOptions {
  /** Where reads wait for their turn. */
  readonly lane: Lane;
  /** Nobody holds it any more. */
  readonly closed: () => void;
  /** It could not be read. */
  readonly failed: (error: unknown) => void;
}

/**
 * A body in a file that is open, whatever becomes of its name meanwhile: an answer that has begun ends with the same body. Those
 * who send the same one share it.
 */
export class OpenBody implements BodyFile {
  readonly opened: OpenedFile;
  private readonly o: OpenBodyOptions;
  private users = 0;

  constructor(opened: OpenedFile, o: OpenBodyOptions) {
    this.opened = opened;
    this.o = o;
  }

  get length(): number {
    return this.opened.head.bodyLength;
  }

  get inode(): number {
    return this.opened.inode;
  }

  hold(): void {
    this.users++;
  }

  release(): void {
    this.users--;
    if (this.users > 0) return;
    this.o.closed();
    this.opened.handle.close().catch((error: unknown) => this.o.failed(error));
  }

  /** Reads its beginning, out of turn: it throws what a read would. */
  async check(): Promise<void> {
    try {
      await this.blocks(0, 1);
    } catch (error) {
      this.o.failed(error);
      throw error;
    }
  }

  read(at: number, end: number, blocks: number): Promise<BodyPiece> {
    this.hold();
    return new Promise((resolve, reject) => {
      this.o.lane.add(async () => {
        try {
          const first = Math.trunc(at / blockBytes);
          const bytes = await this.blocks(first, Math.min(blocks, Math.ceil(end / blockBytes) - first));
          const from = first * blockBytes;
          resolve({ bytes, start: at - from, end: Math.min(bytes.length, end - from), isFree: true });
        } catch (error) {
          this.o.failed(error);
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        this.release();
      });
    });
  }

  private async blocks(first: number, count: number): Promise<Buffer> {
    const { handle, head, sums } = this.opened;
    const from = first * blockBytes;
    const bytes = Buffer.allocUnsafeSlow(Math.min(count * blockBytes, this.length - from));
    if (!(await readFully(handle, bytes, 0, head.bodyStart + from))) throw new DamagedFile("it is cut off");
    for (let at = 0; at < bytes.length; at += blockBytes)
      if (crc32(bytes.subarray(at, at + blockBytes)) !== sumOf(sums, first + at / blockBytes))
        throw new DamagedFile("it has other bytes");
    return bytes;
  }
}
