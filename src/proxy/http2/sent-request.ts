import type { BodyPiece } from "../body-piece.ts";

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
    else if (piece.end > piece.start) this.pieces.push(kept(piece));
  }

  /** Whether it can be sent again: nothing was left out. */
  get isWhole(): boolean {
    return this.bytes <= mostBytes;
  }
}

/** A piece is often a small part of what was read at once, all of which it would keep. */
function kept(piece: BodyPiece): BodyPiece {
  const { bytes, end, isLasting, start } = piece;
  const length = end - start;
  if (isLasting === true || bytes.buffer.byteLength <= 2 * length) return piece;
  return { ...piece, bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: length };
}
