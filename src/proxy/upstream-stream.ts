import type { BodyPiece } from "./body-piece.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { SentHead } from "./sent-head.ts";
import type { Tunnel } from "./tunnel.ts";
import type { TunnelEnd } from "./tunnel-end.ts";

/** Why a connection to a server is of no use; `unheard` was closed, and certainly before anything of the request was there. */
export type UpstreamFailure = "connect" | "unheard" | "closed" | "protocol";

/** A connection to a server, or a stream of one, while it carries one request. */
export interface UpstreamStream {
  /** Whether its connection has carried a complete exchange before. */
  readonly isReused: boolean;
  /** Whether bytes wait for the server to read. */
  readonly isBlocked: boolean;
  /**
   * Sends a head in the form of HTTP/1.1 and the first piece of the body, which is chunked or has the length that the head
   * tells; true unless it is certain that nothing reached the server.
   */
  sendRequest(head: SentHead, isChunked: boolean, piece: BodyPiece | null, isLast: boolean): boolean;
  /** Sends more of the body. */
  sendBody(piece: BodyPiece, isLast: boolean): void;
  /** Reads no more of the response until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the exchange in order; `isRequestSent` if the server got the whole request. */
  release(isRequestSent: boolean): void;
  /** Ends it, whatever is going on; the server sees that. */
  discard(): void;
}

/** What a server has turned into a WebSocket. */
export interface SwitchedUpstream {
  /** Its 101, written as HTTP/1.1 has it. */
  readonly head: ResponseHead;
  readonly fields: FieldTable;
  readonly far: TunnelEnd;
  /** What came behind the head. */
  readonly rest: Buffer | null;
  /** A tunnel has it now. */
  taken(tunnel: Tunnel): void;
  /** The tunnel has ended. */
  ended(tunnel: Tunnel): void;
}

/** Whoever sends a request over an upstream connection. */
export interface UpstreamUser {
  readonly method: string;
  /** Whether the answer may be that the socket becomes a tunnel. */
  readonly wantsSocket: boolean;
  /** The connection is there: send. */
  upstreamReady(): void;
  /** The server has not looked at what was sent, which waits for another connection; told once more when it `isSent` over that. */
  upstreamMoved(isSent: boolean): void;
  /** The outbox is empty again. */
  upstreamDrained(): void;
  /** 1xx but 101. */
  interimArrived(head: ResponseHead, fields: FieldTable): void;
  /** 101: the user takes the socket over, or fails. */
  switchArrived(switched: SwitchedUpstream): void;
  /** The final head, with the part of the body that came along. */
  headArrived(head: ResponseHead, fields: FieldTable, piece: BodyPiece, isLast: boolean): void;
  bodyArrived(piece: BodyPiece, isLast: boolean): void;
  upstreamFailed(failure: UpstreamFailure, detail: string): void;
}
