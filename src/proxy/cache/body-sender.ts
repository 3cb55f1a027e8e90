import type { Log } from "../../base/log.ts";
import type { ResponseSink } from "../exchange-client.ts";
import { bodySent } from "../response-change.ts";
import type { Sweep, Swept } from "../sweep.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { FilePart } from "./from-store.ts";

/** Where a body goes. */
export interface BodySenderOptions {
  readonly sink: ResponseSink;
  readonly sweep: Sweep;
  readonly log: Log;
  /** Called once, in another turn: all of it went, or the rest cannot come. */
  readonly ended: (isWhole: boolean) => void;
}

const never = Number.POSITIVE_INFINITY;
/** Read at a time for a client that takes all at once: each read takes some 80 µs beside what its bytes take. */
const mostBlocks = 4;
/** A disk that has not given a piece by then gives none. */
const patienceMs = 10_000;

/** Sends a body from a file, piece by piece: the next is read when the client has taken the one before. */
export class BodySender implements Swept {
  private readonly part: FilePart;
  private readonly o: BodySenderOptions;
  private at: number;
  private readBy = never;
  private isOver = false;
  /** How many blocks are read at a time. */
  private blocks = 1;

  constructor(part: FilePart, o: BodySenderOptions) {
    this.part = part;
    this.o = o;
    this.at = part.start;
    part.body.hold();
  }

  /** Goes on: the client takes bytes. */
  goOn(): void {
    if (this.isOver || this.readBy !== never) return;
    const { body, end } = this.part;
    this.readBy = this.o.sweep.after(patienceMs);
    body.read(this.at, end, this.blocks).then(
      (piece) => this.arrived(piece),
      () => this.end(false),
    );
  }

  /** Nobody waits for the rest. */
  cancel(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.part.body.release();
  }

  sweep(now: number): void {
    if (now >= this.readBy) this.end(false);
  }

  private arrived(piece: BodyPiece): void {
    if (this.isOver) return;
    this.readBy = never;
    this.at += piece.end - piece.start;
    const isLast = this.at === this.part.end;
    const isTaken = bodySent(this.o.sink, piece, isLast, this.o.log);
    this.blocks = isTaken === true ? Math.min(2 * this.blocks, mostBlocks) : 1;
    if (isTaken === null) this.end(false);
    else if (isLast) this.end(true);
    else if (isTaken) this.goOn();
  }

  private end(isWhole: boolean): void {
    if (this.isOver) return;
    this.cancel();
    this.o.ended(isWhole);
  }
}
