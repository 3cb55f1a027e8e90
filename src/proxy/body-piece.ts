/** A piece of a response body, valid during the call only unless the socket wrote it all. */
export interface BodyPiece {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /**
   * Whether the buffer is nobody else's any more: what stands before `start` may be written over, and whoever writes the piece out
   * gives its memory back (`letGo`).
   */
  readonly isFree?: boolean;
  /** Whether `bytes` are the whole of a body that is kept and never changes, such as one of the cache. */
  readonly isLasting?: boolean;
  /** With the last piece: the trailer field lines behind it, as the server sent them, if there are any. */
  readonly trailers?: string;
}
