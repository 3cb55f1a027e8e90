import type { Log } from "../base/log.ts";
import type { Answer } from "./answer.ts";
import { AskingClient } from "./asking-client.ts";
import type { Waiting } from "./decide.ts";
import type { ExchangeClient, ResponseSink, ResponseStart } from "./exchange-client.ts";
import type { OpenExchange } from "./open-exchange.ts";
import { brokenOff } from "./response-change.ts";
import type { Route } from "./snapshot.ts";
import { portionBytes, type TurnTaker, type Turns } from "./turns.ts";
import type { BodyPiece } from "./body-piece.ts";

/** What has come and was not passed on yet. */
interface Held {
  readonly piece: BodyPiece;
  readonly isLast: boolean;
}

/**
 * Stands between an exchange and a sink that works long on a body, and passes on what a turn allows: the first portion of a
 * response at once, the rest in turns, of which all responses have one. What waits is held here, and the exchange hears that the client takes no
 * more; if the exchange is over meanwhile, the client hears that behind the last of it.
 */
export class PortionedExchange extends AskingClient implements ExchangeClient, OpenExchange, TurnTaker {
  private readonly turns: Turns;
  private readonly log: Log;
  private readonly inner: OpenExchange;
  private held: Held[] = [];
  private isPortioned = false;
  /** What of the first portion is left. */
  private free = portionBytes;
  /** Status of the response, once all of it has come. */
  private doneWith: number | null = null;

  /** `open` makes the exchange, whose client and sink this is. */
  constructor(
    client: ExchangeClient,
    sink: ResponseSink,
    around: { readonly turns: Turns; readonly log: Log },
    open: (between: PortionedExchange) => OpenExchange,
  ) {
    super(client, sink);
    this.turns = around.turns;
    this.log = around.log;
    this.inner = open(this);
  }

  get hasBegun(): boolean {
    return this.inner.hasBegun;
  }

  get isWaiting(): boolean {
    return this.inner.isWaiting;
  }

  get isAwaitingBody(): boolean {
    return this.inner.isAwaitingBody;
  }

  override get isBlocked(): boolean {
    return this.held.length > 0 || this.client.isBlocked;
  }

  begin(decision: Route | Waiting): void {
    this.inner.begin(decision);
  }

  bodyArrivedFromClient(): void {
    this.inner.bodyArrivedFromClient();
  }

  sweep(now: number): void {
    if (this.doneWith === null) this.inner.sweep(now);
  }

  clientDrained(): void {
    if (this.held.length === 0) this.inner.clientDrained();
    else if (!this.turns.has(this)) this.itsTurn();
  }

  cancel(): void {
    this.forget();
    if (this.doneWith === null) this.inner.cancel();
    this.sink.dropped?.();
  }

  refuse(status: number): void {
    if (this.doneWith === null) {
      this.inner.refuse(status);
      return;
    }
    this.abort(this.doneWith, false);
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { sink } = this;
    const length = piece.end - piece.start;
    this.isPortioned = (!isLast || length > portionBytes) && sink.inPortions?.(start, piece, isLast) === true;
    if (!this.isPortioned || length <= portionBytes) {
      if (this.isPortioned) this.take(length);
      return sink.sendResponse(start, piece, isLast);
    }
    const at = piece.start + this.take(length);
    const isTaken = sink.sendResponse(start, partOf(piece, piece.start, at), false);
    this.held.push({ piece: partOf(piece, at, piece.end), isLast });
    if (isTaken) this.turns.wait(this);
    return false;
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    if (!this.isPortioned) return this.sink.sendBody(piece, isLast);
    this.held.push({ piece, isLast });
    return this.held.length === 1 && this.passOn();
  }

  dropped(): void {
    this.forget();
    this.sink.dropped?.();
  }

  answerWith(answer: Answer): void {
    this.client.answerWith(answer);
  }

  exchangeDone(status: number): void {
    this.doneWith = status;
    if (this.held.length === 0) this.client.exchangeDone(status);
  }

  abort(status: number, isStalled: boolean): void {
    this.dropped();
    this.client.abort(status, isStalled);
  }

  itsTurn(): void {
    let isTaken = false;
    try {
      isTaken = this.passOn();
    } catch (error) {
      brokenOff(error, this.log);
      this.refuse(502);
      return;
    }
    if (this.held.length > 0) return;
    if (this.doneWith !== null) this.client.exchangeDone(this.doneWith);
    else if (isTaken) this.inner.clientDrained();
  }

  /** Passes on what is held, as far as this turn and the client allow; true if nothing is left and the client takes more at once. */
  private passOn(): boolean {
    for (let next = this.held[0]; next !== undefined; next = this.held[0]) {
      const { isLast, piece } = next;
      const length = piece.end - piece.start;
      const share = length === 0 ? 0 : this.take(length);
      if (share < length) {
        if (share === 0) return false;
        const at = piece.start + share;
        this.held[0] = { piece: partOf(piece, at, piece.end), isLast };
        if (!this.sink.sendBody(partOf(piece, piece.start, at), false)) return false;
      } else {
        this.held.shift();
        if (!this.sink.sendBody(piece, isLast)) return false;
      }
    }
    return true;
  }

  /** Gives how much of so many bytes is for this turn. */
  private take(bytes: number): number {
    const { free, turns } = this;
    if (free === 0) return turns.take(bytes, this);
    const share = Math.min(bytes, free);
    this.free -= share;
    turns.spend(share);
    return share;
  }

  private forget(): void {
    this.held = [];
    this.turns.leave(this);
  }
}

/** Only the last part of a piece is nobody else's, and has what comes behind the body. */
function partOf(piece: BodyPiece, start: number, end: number): BodyPiece {
  if (end === piece.end) return { ...piece, start };
  const { bytes, isLasting } = piece;
  return isLasting === true ? { bytes, start, end, isLasting } : { bytes, start, end };
}
