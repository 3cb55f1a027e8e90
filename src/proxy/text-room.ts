import { readLatin1 } from "./latin1.ts";
import type { LineRoom } from "./main-line.ts";

const usualBytes = 4096;

/** Has lines written in one place, and hands them on as texts, one by one. */
export class TextRoom implements LineRoom {
  readonly used = 0;
  private bytes = Buffer.allocUnsafe(usualBytes);
  private readonly sink: { add(line: string): void };

  constructor(sink: { add(line: string): void }) {
    this.sink = sink;
  }

  roomFor(most: number): Buffer {
    if (most > this.bytes.length) this.bytes = Buffer.allocUnsafe(most);
    return this.bytes;
  }

  wrote(end: number): void {
    const line = readLatin1(this.bytes, 0, end);
    if (this.bytes.length > usualBytes) this.bytes = Buffer.allocUnsafe(usualBytes);
    this.sink.add(line);
  }
}
