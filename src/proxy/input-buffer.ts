/** Bytes that arrived and were not used yet. */
export class InputBuffer {
  bytes: Buffer | null = null;
  start = 0;
  end = 0;
  private isOwn = false;

  /** How many bytes there are. */
  get length(): number {
    return this.end - this.start;
  }

  /**
   * Adds a piece; true if what was here before has moved. A lone piece is taken over as it is; several are gathered in a
   * buffer that doubles, so that a head in single bytes costs no more than twice its copying.
   */
  add(piece: Buffer): boolean {
    const { bytes } = this;
    if (bytes === null || this.start === this.end) {
      this.bytes = piece;
      this.start = 0;
      this.end = piece.length;
      this.isOwn = false;
      return false;
    }
    if (this.isOwn && this.end + piece.length <= bytes.length) {
      bytes.set(piece, this.end);
      this.end += piece.length;
      return false;
    }
    const length = this.length;
    const gathered = Buffer.allocUnsafeSlow(Math.max(512, 2 * (length + piece.length)));
    gathered.set(bytes.subarray(this.start, this.end), 0);
    gathered.set(piece, length);
    this.bytes = gathered;
    this.start = 0;
    this.end = length + piece.length;
    this.isOwn = true;
    return true;
  }

  /** Drops what was used up to `offset`. */
  consumeTo(offset: number): void {
    this.start = offset;
    if (offset < this.end) return;
    this.bytes = null;
    this.start = 0;
    this.end = 0;
    this.isOwn = false;
  }
}
