import type { BodyPiece } from "../upstream-connection.ts";

/** Bodies up to this long are sent again if they have to be. */
const mostBytes = 64 * 1024;

/** What was handed in of a request, kept until its server has answered: one that has not looked at it says so, and another connection is asked. */
export class SentRequest {
  readonly head: string;
  readonly pieces: BodyPiece[] = [];
  /** Whether the last piece is the end of the body. */
  isLast = false;
  /** How often it went to another connection. */
  moves = 0;
  private bytes = 0;

  constructor(head: string) {
    this.head = head;
  }

  /** Adds a piece of the body. */
  add(piece: BodyPiece, isLast: boolean): void {
    this.isLast = isLast;
    // What is given back as soon as it is sent cannot be kept.
    this.bytes += piece.isFree === true ? Number.POSITIVE_INFINITY : piece.end - piece.start;
    if (!this.isWhole) this.pieces.length = 0;
    else if (piece.end > piece.start) this.pieces.push(piece);
  }

  /** Whether it can be sent again: nothing was left out. */
  get isWhole(): boolean {
    return this.bytes <= mostBytes;
  }
}
