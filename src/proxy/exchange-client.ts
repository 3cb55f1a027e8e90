import type { Engine } from "./engine.ts";
import type { RequestHead } from "./http1/request-head.ts";
import type { RequestKey } from "./request-key.ts";
import type { SentHead } from "./sent-head.ts";
import type { Route } from "./snapshot.ts";
import type { UpstreamTrace } from "./upstream-trace.ts";
import type { Answer } from "./answer.ts";
import type { ForwardedBy, HeaderRules } from "./headers.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { SwitchedUpstream } from "./upstream-stream.ts";

/** How a response begins; the fields are valid during the call only. */
export interface ResponseStart {
  readonly head: ResponseHead;
  readonly fields: FieldTable;
  readonly rules: HeaderRules;
}

/** What takes a response: the client, or what changes the response on its way there. */
export interface ResponseSink {
  /** Takes the final head with the part of the body that came along; true if it takes more at once. */
  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean;
  /** Takes more of the body; true if it takes more at once. */
  sendBody(piece: BodyPiece, isLast: boolean): boolean;
  /** Whether it works so long on the body of this response that it is to get no more than a portion in a turn. */
  inPortions?(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean;
  /** Lets go of what it holds for a response that is broken off. */
  dropped?(): void;
  /** Does with an answer of the proxy's own what it does with responses. */
  changed?(answer: Answer): Answer;
}

/** The client's side of an exchange. */
export interface ExchangeClient extends ResponseSink {
  /** Whether bytes wait for the client to read. */
  readonly isBlocked: boolean;
  /** Takes a 1xx response, which is left out where the client could not understand it (RFC 9110 §15.2). */
  sendInterim(head: ResponseHead, fields: FieldTable): void;
  /** Asks for the body that the client holds back (RFC 9110 §10.1.1). */
  sendContinue(): void;
  /** Gives the next piece of the request body that has arrived, or null; it counts as sent. */
  takeBody(): BodyPiece | null;
  /** Whether the whole body was taken. */
  isBodyDone(): boolean;
  /** Whether any of it was taken: then the request cannot be sent again. */
  isBodyTouched(): boolean;
  pauseReading(): void;
  resumeReading(): void;
  /** Answers for the proxy; nothing has been sent to the client yet. */
  answerWith(answer: Answer): void;
  /** The response is complete. */
  exchangeDone(status: number): void;
  /** The response cannot be completed, and the client has to see that; one that is `stalled` is not waited for. */
  abort(status: number, isStalled: boolean): void;
  /** The server accepted the WebSocket: the sockets become a tunnel, which may be silent for `idleMs`. */
  openTunnel(from: SwitchedUpstream, idleMs: number): boolean;
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  readonly engine: Engine;
  readonly client: ExchangeClient;
  readonly route: Route;
  readonly head: RequestHead;
  readonly sentHead: SentHead;
  /** Who asks. */
  readonly by: ForwardedBy;
  /** As the route's upstream reads it. */
  readonly key: RequestKey;
  /** Where the response goes: the client, or what stands before it. */
  readonly sink: ResponseSink;
  /** Notes which servers are asked, and when; null if nobody wants to know. */
  readonly trace?: UpstreamTrace | null;
}
