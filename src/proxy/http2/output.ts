import { Outbox } from "../outbox.ts";
import type { Wire } from "../sockets.ts";
import { movedBytes } from "../streams/acknowledged.ts";
import { frameHeadBytes, writeFrameHead, type FrameHead } from "./frames.ts";

const bufferBytes = 64 * 1024;
const spare: Buffer[] = [];
const mostSpare = 64;

const unflushed = new Set<FrameOutput>();
let isScheduled = false;

function flushAll(): void {
  isScheduled = false;
  for (const output of unflushed) {
    unflushed.delete(output); // first, so that what a write brings about is not lost
    output.flush();
  }
}

/**
 * What one connection is about to send. Frames of one turn of the loop are gathered and written at once: a write under TLS costs a
 * record and a system call, and the streams of a connection are answered side by side.
 */
export class FrameOutput {
  /** Bytes handed in so far. */
  total = 0;
  private readonly wire: Wire;
  private readonly outbox: Outbox;
  private buffer: Buffer | null = null;
  private used = 0;

  constructor(wire: Wire) {
    this.wire = wire;
    this.outbox = new Outbox(wire);
  }

  /** Whether the socket takes no more for now. */
  get isBlocked(): boolean {
    return this.outbox.isBlocked;
  }

  /** Bytes that the client's system has got, or, where that is not known, that the socket has taken. */
  get moved(): number {
    const { taken, total } = this.outbox;
    return movedBytes(this.wire, this.total + taken - total);
  }

  /** Adds a frame that is ready. */
  add(frame: Buffer): void {
    const at = this.room(frame.length);
    frame.copy(this.buffer ?? frame, at);
    this.used = at + frame.length;
  }

  /** Adds a frame with this payload, of 16,384 bytes at most. */
  addFrame(head: FrameHead, payload: Buffer, start: number): void {
    const at = this.room(frameHeadBytes + head.length);
    const { buffer } = this;
    if (buffer === null) return;
    const next = writeFrameHead(buffer, at, head);
    payload.copy(buffer, next, start, start + head.length);
    this.used = next + head.length;
  }

  /** Writes what has gathered. */
  flush(): void {
    const { buffer, used } = this;
    if (buffer === null) return;
    this.buffer = null;
    this.used = 0;
    this.total += used;
    const written = this.outbox.isBlocked ? 0 : this.wire.write(buffer, 0, used);
    if (written >= 0 && written < used) {
      const rest = Buffer.from(buffer.subarray(written, used));
      this.outbox.send(rest, 0, rest.length);
    }
    if (spare.length < mostSpare) spare.push(buffer);
  }

  /** Writes what waits for room; true if nothing does any more. */
  drained(): boolean {
    return this.outbox.flush();
  }

  private room(bytes: number): number {
    if (this.buffer !== null && this.used + bytes > bufferBytes) this.flush();
    if (this.buffer === null) {
      this.buffer = spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      unflushed.add(this);
      if (!isScheduled) {
        isScheduled = true;
        setImmediate(flushAll);
      }
    }
    return this.used;
  }
}
