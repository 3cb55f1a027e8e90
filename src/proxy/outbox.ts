import { keptPiece, letGo, type Kept } from "./body-memory.ts";
import { writeLatin1 } from "./latin1.ts";
import type { SentHead } from "./sent-head.ts";
import type { Room, Wire } from "./sockets.ts";
import type { BodyPiece } from "./body-piece.ts";

/** One for all connections: a frame is put together and written within one turn. Large enough for a usual page with its head. */
const frame = Buffer.allocUnsafe(64 * 1024);
const frameRoom: Room = { bytes: frame, start: 0 };
/** What has a longer body is written as it came, behind the head. */
const mostWithHead = 1024;
const chunkEnd = Buffer.from("\r\n");
const lastChunk = "0\r\n\r\n";

/** Bytes that wait for room. */
interface Waiting extends Kept {
  /** What of them the socket has not taken. */
  start: number;
}

/**
 * What waits to be written to one socket. The kernel takes what it has room for; the rest stays here, and whoever
 * feeds this outbox stops reading until `flush` says it is empty: so one piece of input is all that is ever kept.
 */
export class Outbox {
  /** Bytes handed in so far. */
  total = 0;
  /** How many of them were heads. */
  headTotal = 0;
  private readonly wire: Wire;
  /** How many were handed in once the socket was gone. */
  private lost = 0;
  /** Both as they were when a request was begun. */
  private totalBefore = 0;
  private lostBefore = 0;
  /** Null while nothing waits: an empty array would be two more misses of the cache for each write. */
  private queue: Waiting[] | null = null;
  private isBroken = false;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Whether bytes wait for room. */
  get isBlocked(): boolean {
    return this.queue !== null;
  }

  /** Bytes that the socket has taken. */
  get taken(): number {
    return (this.queue ?? []).reduce((left, { end, start }) => left - (end - start), this.total);
  }

  /** Has `hasGoneOut` and `isUnheard` be about what is handed in from now on. */
  beginRequest(): void {
    this.totalBefore = this.total;
    this.lostBefore = this.lost;
  }

  /** Whether any of it may have gone out. */
  get hasGoneOut(): boolean {
    return this.total - this.totalBefore > this.lost - this.lostBefore;
  }

  /**
   * Whether it is certain that the peer has got nothing of it, and never will: not one byte could be sent, or was there when the peer
   * ended its half. A reset proves nothing, for it may come from one that has read all.
   */
  get isUnheard(): boolean {
    const unsent = this.lost - this.lostBefore + this.total - this.taken;
    return unsent + (this.wire.unheard?.() ?? 0) >= this.total - this.totalBefore;
  }

  /** Where a head may be put together for `sendPut` before so much of its body, within the turn. */
  roomBefore(length: number): Room {
    return (length <= mostWithHead ? this.wire.room?.() : null) ?? frameRoom;
  }

  /** Writes a head that stands in a room, `headLength` bytes, and the first bytes of its body; true if all was taken. */
  sendPut(room: Room, headLength: number, { bytes, end, isFree, start }: BodyPiece): boolean {
    this.headTotal += headLength;
    const length = headLength + end - start;
    const fits = room.start + length <= room.bytes.length;
    if (isFree === true && headLength <= start && (room === frameRoom || !fits)) {
      const from = start - headLength;
      room.bytes.copy(bytes, from, room.start, room.start + headLength);
      return this.send(bytes, from, end, true);
    }
    if (!fits) {
      this.sendFrame(headLength, room);
      return this.send(bytes, start, end, isFree);
    }
    bytes.copy(room.bytes, room.start + headLength, start, end);
    if (isFree === true) letGo(bytes);
    return this.sendFrame(length, room);
  }

  /** Writes a head, Latin-1, and perhaps the first bytes of a body behind it in one call; true if all was taken. */
  sendHead(head: string, body: BodyPiece | null): boolean {
    this.headTotal += head.length;
    if (body === null) return this.sendText(head);
    const { bytes, end, start } = body;
    if (body.isFree === true && head.length <= start) {
      // In the place of the head that came with it: nothing is copied, however long the body is.
      const from = start - head.length;
      writeLatin1(bytes, head, from);
      return this.send(bytes, from, end, true);
    }
    const length = head.length + end - start;
    if (length > frame.length) {
      this.sendText(head);
      return this.send(bytes, start, end, body.isFree);
    }
    writeLatin1(frame, head, 0);
    bytes.copy(frame, head.length, start, end); // half the cost of set(subarray())
    if (body.isFree === true) letGo(bytes);
    return this.sendFrame(length);
  }

  /** Writes the head of a request, and perhaps the first bytes of its body behind it in one call; true if all was taken. */
  sendRequestHead(head: SentHead, body: BodyPiece | null): boolean {
    const { bytes, end, start } = head;
    if (bytes === null || body !== null) return this.sendHead(head.text, body);
    this.headTotal += end - start;
    return this.send(bytes, start, end);
  }

  /**
   * Writes bytes that the caller will not change any more; true if all was taken. If they are `isFree`, nobody else needs them, and
   * their memory is given back once the socket has them.
   */
  send(bytes: Buffer, start: number, end: number, isFree = false): boolean {
    this.total += end - start;
    const written = this.queue === null ? this.write(bytes, start, end) : 0;
    if (start + written === end) {
      if (isFree) letGo(bytes);
      return true;
    }
    return this.keep({ bytes, start: start + written, end, isFree });
  }

  /** Writes a head and a body in the chunked coding (RFC 9112 §7.1), closed by the last chunk if `isLast`; true if all was taken. */
  sendChunk(head: string, body: BodyPiece, isLast: boolean): boolean {
    this.headTotal += head.length;
    const length = body.end - body.start;
    const lead = length === 0 ? head : `${head}${length.toString(16)}\r\n`;
    const last = body.trailers === undefined ? lastChunk : `0\r\n${body.trailers}\r\n`;
    const tail = length === 0 ? (isLast ? last : "") : isLast ? `\r\n${last}` : "\r\n";
    if (lead.length + length + tail.length <= frame.length) {
      writeLatin1(frame, lead, 0);
      if (length > 0) body.bytes.copy(frame, lead.length, body.start, body.end);
      if (body.isFree === true) letGo(body.bytes);
      writeLatin1(frame, tail, lead.length + length);
      return this.sendFrame(lead.length + length + tail.length);
    }
    this.headTotal -= lead.length + (isLast ? tail.length : 0);
    this.sendHead(lead, body);
    return isLast ? this.sendHead(tail, null) : this.send(chunkEnd, 0, chunkEnd.length);
  }

  /** Writes what waits; true if nothing does any more. */
  flush(): boolean {
    const queue = this.queue ?? [];
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      first.start += this.write(first.bytes, first.start, first.end);
      if (first.start < first.end) return false;
      queue.shift();
      if (first.isFree) letGo(first.bytes);
    }
    this.queue = null;
    return true;
  }

  private sendText(text: string): boolean {
    if (text.length > frame.length) return this.send(Buffer.from(text, "latin1"), 0, text.length);
    writeLatin1(frame, text, 0);
    return this.sendFrame(text.length);
  }

  private sendFrame(length: number, { bytes, start }: Room = frameRoom): boolean {
    this.total += length;
    const end = start + length;
    const written = this.queue === null ? this.write(bytes, start, end) : 0;
    if (written === length) return true;
    const rest = Buffer.from(bytes.subarray(start + written, end));
    return this.keep({ bytes: rest, start: 0, end: rest.length, isFree: false });
  }

  /** Keeps what has to wait for room. */
  private keep(rest: Kept): false {
    this.queue ??= [];
    this.queue.push(keptPiece(rest));
    return false;
  }

  /** A socket that is gone takes everything: its owner hears of the end by `closed`. */
  private write(bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    const written = this.isBroken ? -1 : this.wire.write(bytes, start, length);
    if (written >= 0) return written;
    this.isBroken = true;
    this.lost += length;
    return length;
  }
}
