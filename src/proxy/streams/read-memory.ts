import { readStep } from "./layout.ts";

/** A block is as long as the most that is read at a time. */
const leastBlockBytes = 128 * 1024;
const mostBlocks = 64;
const leastArea = 3 * leastBlockBytes;
/** A block with less room is not begun another turn with. */
const leastRoom = 64 * 1024;
/** What is no longer than this is short: a view of its place is made once, which goes on so far behind the place. */
export const longestShort = 4096;

/** All memory that was ever read into: part of it is nobody's to give back to the system. */
const areas = new WeakSet<ArrayBufferLike>();
/** Who gave bytes out, by their memory, so that they can come back. */
const lenders: ReadMemory[] = [];

/**
 * Memory that sockets of our own are read into, in blocks. Whoever gets bytes may keep them, and change them. Those of whom all say that
 * nobody needs them any more (`letGo`) free their block, and the block that was freed last is the next to be read into: it is still in
 * the processor's cache. When no block is free the memory is left to those who hold part of it.
 */
export class ReadMemory {
  bytes: Buffer = Buffer.alloc(0);
  private buffer: ArrayBufferLike = this.bytes.buffer;
  private readonly blockCount: number;
  private readonly blockBytes: number;
  /** One for each place where a read can begin: 1 where bytes begin that somebody has. */
  private held = new Uint8Array(0);
  /** Views of those places; for each block, once a short read has come to lie in it. */
  private readonly views: (Buffer | null)[][] = [];
  /** How many reads of a block somebody has, and how far it is used. */
  private readonly count = new Int32Array(mostBlocks);
  private readonly filled = new Int32Array(mostBlocks);
  private readonly free: number[] = [];
  /** The two that are read into. */
  private first = 0;
  private second = 1;

  /** Of so many blocks, three at least, each of 128 KiB at least. */
  constructor(blockCount: number, blockBytes: number = leastBlockBytes) {
    this.blockCount = Math.min(blockCount, mostBlocks);
    this.blockBytes = blockBytes;
    lenders.push(this);
    this.renew();
  }

  /** Tells where the next turn may read: two pairs of a beginning and an end. */
  begin(table: Int32Array, at: number): void {
    if (this.count[this.first] === 0) this.filled[this.first] = 0;
    if (this.count[this.second] === 0) this.filled[this.second] = 0;
    if (!this.hasRoom(this.first)) {
      this.first = this.second;
      this.second = this.free.pop() ?? -1;
    }
    if (!this.hasRoom(this.first)) this.first = this.free.pop() ?? -1;
    if (this.second < 0) this.second = this.free.pop() ?? -1;
    if (this.first < 0 || this.second < 0) this.renew();
    table[at] = this.first * this.blockBytes + (this.filled[this.first] ?? 0);
    table[at + 1] = (this.first + 1) * this.blockBytes;
    table[at + 2] = this.second * this.blockBytes + (this.filled[this.second] ?? 0);
    table[at + 3] = (this.second + 1) * this.blockBytes;
  }

  /** Takes how far they are used. */
  used(table: Int32Array, at: number): void {
    this.filled[this.first] = (table[at] ?? 0) - this.first * this.blockBytes;
    this.filled[this.second] = (table[at + 2] ?? 0) - this.second * this.blockBytes;
  }

  /** Gives bytes out. */
  take(offset: number, length: number): Buffer {
    this.hold(offset);
    return this.bytes.subarray(offset, offset + length);
  }

  /**
   * Gives short bytes out, at the beginning of a view that goes on behind them. It is the same each time they come to lie there: a new
   * one for each read takes 0.15 µs, and the garbage collector has all of them to go through.
   */
  takeShort(offset: number): Buffer {
    const block = this.hold(offset);
    const views = (this.views[block] ??= Array.from({ length: this.blockBytes / readStep }, () => null));
    const index = (offset - block * this.blockBytes) / readStep;
    return (views[index] ??= this.bytes.subarray(offset, offset + longestShort));
  }

  private hold(offset: number): number {
    this.held[offset / readStep] = 1;
    const block = Math.trunc(offset / this.blockBytes);
    this.count[block] = (this.count[block] ?? 0) + 1;
    return block;
  }

  /** Takes bytes back; false if they are not of this memory. A second time changes nothing. */
  giveBack({ buffer, byteOffset }: Buffer): boolean {
    if (buffer !== this.buffer) return false;
    if (this.held[byteOffset / readStep] !== 1) return true;
    this.held[byteOffset / readStep] = 0;
    const block = Math.trunc(byteOffset / this.blockBytes);
    const left = (this.count[block] ?? 0) - 1;
    this.count[block] = left;
    // Of one that was read into in this turn there may be bytes that were not given out yet.
    if (left === 0 && block !== this.first && block !== this.second) this.release(block);
    return true;
  }

  private release(block: number): void {
    this.filled[block] = 0;
    this.free.push(block);
  }

  private hasRoom(block: number): boolean {
    return block >= 0 && this.blockBytes - (this.filled[block] ?? 0) >= leastRoom;
  }

  private renew(): void {
    this.bytes = Buffer.allocUnsafeSlow(this.blockBytes * this.blockCount);
    this.buffer = this.bytes.buffer;
    areas.add(this.buffer);
    this.held = new Uint8Array(this.bytes.length / readStep);
    this.views.length = 0;
    this.count.fill(0);
    this.filled.fill(0);
    this.free.length = 0;
    for (let block = this.blockCount - 1; block > 1; block--) this.free.push(block);
    this.first = 0;
    this.second = 1;
  }
}

/** Whether bytes lie in memory that sockets of our own are read into, together with what came over others. */
export function isLent({ buffer }: Buffer): boolean {
  return buffer.byteLength >= leastArea && areas.has(buffer);
}

/** Takes bytes back that nobody needs any more; false if no socket of our own has read them. */
export function giveBack(bytes: Buffer): boolean {
  for (const lender of lenders) if (lender.giveBack(bytes)) return true;
  return isLent(bytes);
}
