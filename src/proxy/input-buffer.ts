import { isLent } from "./streams/read-memory.ts";
import { HeadScan, type HeadLimits } from "./http1/head-end.ts";

// One for all connections, but for those whose head came in part: a further object each is a further miss of the cache.
let spareScan: HeadScan | null = null;

/** Bytes that arrived and were not used yet. */
export class InputBuffer {
  bytes: Buffer | null = null;
  start = 0;
  end = 0;
  private isOwn = false;
  /** Where the head that begins here stands in `foundHeads`, within the turn that brought it; else 0. */
  private found = 0;
  /** Looks through a head that has come in part. */
  private scan: HeadScan | null = null;

  /** How many bytes there are. */
  get length(): number {
    return this.end - this.start;
  }

  /** Them; null if there are none. */
  get rest(): Buffer | null {
    return this.bytes?.subarray(this.start, this.end) ?? null;
  }

  /**
   * Adds the first `end` bytes of a piece, which may begin with a head that was found. A lone piece is taken over as it is;
   * several are gathered in a buffer that doubles, so that a head in single bytes costs no more than twice its copying.
   */
  add(piece: Buffer, end: number = piece.length, head: number = 0): void {
    const { bytes } = this;
    this.found = 0;
    if (bytes === null || this.start === this.end) {
      this.bytes = piece;
      this.start = 0;
      this.end = end;
      this.isOwn = false;
      this.found = head;
      return;
    }
    if (this.isOwn && this.end + end <= bytes.length) {
      piece.copy(bytes, this.end, 0, end);
      this.end += end;
      return;
    }
    const length = this.length;
    const gathered = Buffer.allocUnsafeSlow(Math.max(512, 2 * (length + end)));
    bytes.copy(gathered, 0, this.start, this.end);
    piece.copy(gathered, length, 0, end);
    this.bytes = gathered;
    this.start = 0;
    this.end = length + end;
    this.isOwn = true;
    this.scan?.begin(0);
  }

  /** Gets ready to wait for more: what is left over keeps no more memory than its own. */
  keep(): void {
    this.found = 0;
    const { bytes } = this;
    if (bytes === null || this.isOwn || !isLent(bytes)) return;
    this.bytes = Buffer.from(bytes.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.isOwn = true;
    this.scan?.begin(0);
  }

  /**
   * Looks for the end of the head that begins here, from where the last look stopped; null if more has to arrive. What it
   * gives is valid within the turn, until the next look at any head.
   */
  findHead(limits: HeadLimits): HeadScan | null {
    const { bytes } = this;
    if (bytes === null) return null;
    const { found } = this;
    let { scan } = this;
    if (scan === null) {
      scan = spareScan ?? new HeadScan(limits);
      spareScan = null;
      scan.begin(this.start, limits);
    }
    const isFound = (found > 0 && scan.take(found)) || scan.advance(bytes, this.end);
    this.scan = isFound ? null : scan;
    this.found = 0;
    if (!isFound) return null;
    spareScan = scan;
    return scan;
  }

  /** Drops what was used up to `offset`. */
  consumeTo(offset: number): void {
    this.start = offset;
    this.found = 0;
    if (offset < this.end) return;
    this.bytes = null;
    this.start = 0;
    this.end = 0;
    this.isOwn = false;
    this.scan = null;
  }
}
