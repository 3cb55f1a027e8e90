import { Lane } from "./lane.ts";
import { OpenBody, type OpenedFile } from "./open-body.ts";

/** Files that are open at a time, of each process: an answer beyond that is asked for at a server. */
const mostOpen = 256;

/** Who hears of it. */
export interface OpenBodiesOptions {
  /** A file could not be read. */
  readonly failed: (file: string, error: unknown) => void;
  /** Another could have been opened. */
  readonly full: () => void;
}

/** The long bodies that are being sent from their files. */
export class OpenBodies {
  private readonly o: OpenBodiesOptions;
  private readonly most: number;
  private readonly byInode = new Map<number, OpenBody>();
  /** Apart from the lane in which entries are looked for: who downloads a lot keeps nobody from finding something. */
  private readonly lane = new Lane(1, Number.POSITIVE_INFINITY);

  constructor(o: OpenBodiesOptions, most: number = mostOpen) {
    this.o = o;
    this.most = most;
  }

  /** For how long the disk has not answered, in milliseconds. */
  heldUpMs(now: number): number {
    return this.lane.heldUpMs(now);
  }

  /** Gives the body of a file that was found, held by the caller; null if it cannot be read, or too many are open. */
  async take(file: string, opened: OpenedFile): Promise<OpenBody | null> {
    const { handle, head, inode } = opened;
    const known = this.byInode.get(inode);
    const close = (): void => void handle.close().catch((error: unknown) => this.o.failed(file, error));
    if (known?.opened.head.bodyChecksum === head.bodyChecksum) {
      known.hold();
      close();
      return known;
    }
    if (this.byInode.size >= this.most) {
      close();
      this.o.full();
      return null;
    }
    const body = new OpenBody(opened, {
      lane: this.lane,
      closed: () => {
        if (this.byInode.get(inode) === body) this.byInode.delete(inode);
      },
      failed: (error) => this.o.failed(file, error),
    });
    this.byInode.set(inode, body);
    body.hold();
    try {
      // A disk that fails should do so while a server can be asked instead.
      await body.check();
      return body;
    } catch {
      body.release();
      return null;
    }
  }
}
