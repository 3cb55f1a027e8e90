import type { FileHandle } from "node:fs/promises";
import { BodySums } from "./body-sums.ts";
import { encodePrefix, prefixBytes } from "./disk-entry.ts";
import { writeFully } from "./write-fully.ts";

/** What becomes of a file that was written. */
export interface FreshPlace {
  /** Moves it to where an entry belongs, by its path below the folder. */
  readonly move: (file: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** A file of an entry that is being written beside the others: nobody ever sees a part of it. The head comes last, as it tells of the body. */
export class FreshFile {
  private readonly handle: FileHandle;
  private readonly text: Buffer;
  private readonly place: FreshPlace;
  private readonly sums = new BodySums();
  private at = prefixBytes;
  private isClosed = false;

  /** `text` is the description. */
  constructor(handle: FileHandle, text: Buffer, place: FreshPlace) {
    this.handle = handle;
    this.text = text;
    this.place = place;
  }

  /** Writes more of the body. */
  async append(bytes: Buffer): Promise<void> {
    await this.describe();
    this.sums.add(bytes);
    await this.write(bytes);
  }

  /** Writes what stands around the body, and moves the file to where it belongs; gives its length. */
  async land(file: string): Promise<number> {
    await this.describe();
    await this.write(this.sums.list());
    const length = this.at;
    this.at = 0;
    await this.write(encodePrefix(this.text, this.sums.whole()));
    await this.close();
    await this.place.move(file);
    return length;
  }

  /** Leaves nothing of it. */
  async drop(): Promise<void> {
    await this.close();
    await this.place.remove();
  }

  private async describe(): Promise<void> {
    if (this.at === prefixBytes) await this.write(this.text);
  }

  private async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.handle.close();
  }

  private async write(bytes: Buffer): Promise<void> {
    await writeFully(this.handle, bytes, this.at);
    this.at += bytes.length;
  }
}
