import { keptPiece, type Kept } from "../body-memory.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { SendingStream } from "./data-sender.ts";
import type { Field } from "./hpack-decoder.ts";

/** What waits for the peer's window, or for its socket. */
interface Waiting extends Kept {
  start: number;
  readonly isLast: boolean;
  /** Field lines that end the stream in place of the last DATA; empty for none. */
  readonly trailers: string;
}

/** What carries the frames of a stream. */
export interface StreamCarrier {
  /** Whether the socket takes no more for now. */
  readonly isBlocked: boolean;
  /** Sends as much of a body as the windows let it, and gives the offset behind that. */
  sendData(stream: SendingStream, piece: BodyPiece, isLast: boolean): number;
  /** Sends trailers, which end the stream. */
  sendTrailers(stream: SendingStream, lines: string): void;
  /** So many bytes that came were used up: the peer may send as many more. */
  consumed(stream: FramedStream, bytes: number): void;
}

/** One stream as its frames have it, whichever side has opened it: windows both ways, and what waits to be sent. */
export abstract class FramedStream implements SendingStream {
  /** 0 until it is open. */
  id = 0;
  /** What the peer lets us send. */
  window = 0;
  /** What we let the peer send. */
  room = 0;
  /** What came and was not used up yet. */
  held = 0;
  /** What was used up, and the peer was not told of yet. */
  unreturned = 0;
  isEndHeld = false;
  /** Whether the peer has sent all it will. */
  isRemoteDone = false;
  private carrier: StreamCarrier | null = null;
  private readonly waiting: Waiting[] = [];
  /** Whether somebody was told to wait until it drains. */
  private isAwaited = false;

  /** Takes a piece of a body, which stays as it is. */
  abstract takeData(bytes: Buffer, isEnd: boolean): void;
  /** Takes a header block; one that is too large has no fields that can be trusted. */
  abstract takeFields(fields: readonly Field[], isEnd: boolean, isTooLarge: boolean): void;
  /** The peer has reset it with this code. */
  abstract resetByPeer(code: number): void;
  /** The peer has broken the rules of this stream alone. */
  abstract violated(code: number): void;
  /** Nothing waits any more, and the socket takes bytes again. */
  protected abstract drained(): void;

  /** Gives it its number and its carrier. */
  attach(carrier: StreamCarrier, id: number): void {
    this.carrier = carrier;
    this.id = id;
  }

  /** Leaves its carrier, and forgets what waits: it begins anew on another. */
  detach(): void {
    this.carrier = null;
    this.id = 0;
    this.unreturned = 0;
    this.isEndHeld = false;
    this.isRemoteDone = false;
    this.isAwaited = false;
    this.waiting.length = 0;
  }

  /** Whether bytes wait for the peer. */
  get isBlocked(): boolean {
    return this.waiting.length > 0 || this.carrier?.isBlocked === true;
  }

  /** Bytes that wait for the peer. */
  protected get waitingBytes(): number {
    return this.waiting.reduce((sum, { end, start }) => sum + end - start, 0);
  }

  /** Whether all was sent that was handed in. */
  protected get isSent(): boolean {
    return this.waiting.length === 0;
  }

  /** Sends a piece now or as windows and socket allow, with trailers behind it; false if more should wait until it drains. */
  send({ bytes, end, isFree = false, start }: BodyPiece, isLast: boolean, trailers = ""): boolean {
    const held = { bytes, start, end, isFree, isLast, trailers };
    if (this.waiting.length > 0 || !this.write(held)) this.waiting.push({ ...held, ...keptPiece(held) });
    return this.isTaken();
  }

  /** Tells whether more is taken at once; if not, `drained` will tell when. */
  protected isTaken(): boolean {
    this.isAwaited = this.isBlocked;
    return !this.isAwaited;
  }

  /** Lets the peer send as many bytes more. */
  consumed(bytes: number): void {
    this.carrier?.consumed(this, bytes);
  }

  /** Sends what waits, as far as windows and socket let it. */
  pump(): void {
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      if (!this.write(first)) return;
      this.waiting.shift();
    }
    if (!this.isAwaited || this.isBlocked) return;
    this.isAwaited = false;
    this.drained();
  }

  /** Sends what it can of a piece; true if that is all of it. */
  private write(held: Waiting): boolean {
    const { carrier } = this;
    if (carrier === null) return false;
    held.start = carrier.sendData(this, held, held.isLast && held.trailers === "");
    if (held.start < held.end || this.isEndHeld) return false;
    if (held.isLast && held.trailers !== "") carrier.sendTrailers(this, held.trailers);
    return true;
  }
}
