import { answerHead, type Answer } from "./answer.ts";
import type { ResponseStart } from "./exchange-client.ts";
import { buildInterimHead, buildResponseHead, putResponseHead, type ClientFraming } from "./headers.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { chunkedBody, untilCloseBody, type RequestHead } from "./http1/request-head.ts";
import { passedTrailers } from "./http1/trailers.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { Outbox } from "./outbox.ts";
import type { BodyPiece } from "./body-piece.ts";

/** Writes the responses of one connection in HTTP/1.1, one after another. */
export class ResponseWriter {
  /** How the body of the response under way is framed. */
  framing: ClientFraming = "none";
  /** Whether the response under way is the last on its connection. */
  closes = false;
  /** Head of the response that was sent last. */
  sentHead = "";
  /** Whether somebody wants to know that of a server's response. */
  keepsHead = false;
  private readonly outbox: Outbox;
  private request: RequestHead | null = null;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }

  /** Starts with the response to a request; to one that could not be read if null. */
  begin(request: RequestHead | null): void {
    this.request = request;
    this.framing = "none";
    this.closes = false;
  }

  /** Writes an answer of the proxy's own as a whole. */
  answer(answer: Answer, date: string, isToClose: boolean): void {
    this.closes = this.isLast(isToClose) || answer.status === 408;
    const length = this.request?.method === "HEAD" ? 0 : answer.body.length;
    this.sentHead = answerHead(answer, date, this.closes);
    this.outbox.sendHead(this.sentHead, { bytes: answer.body, start: 0, end: length });
  }

  /** Asks for a body that is held back (RFC 9110 §10.1.1). */
  askForBody(): void {
    this.outbox.sendHead("HTTP/1.1 100 Continue\r\n\r\n", null);
  }

  /** Writes a 1xx response, but not to HTTP/1.0 (RFC 9110 §15.2). */
  interim(head: ResponseHead, fields: FieldTable): void {
    if (this.request?.minor === 1) this.outbox.sendHead(buildInterimHead(head, fields), null);
  }

  /** Writes a head and the first piece of its body; true if all was taken. */
  head(start: ResponseStart, isToClose: boolean, piece: BodyPiece, isLast: boolean): boolean {
    const { fields, head, rules } = start;
    const framing = this.framingFor(head);
    this.framing = framing;
    this.closes = this.isLast(isToClose) || framing === "until-close";
    // With another piece than the first of the server's, the bytes of the head may have been let go of.
    const isThere = piece.bytes === fields.source && !this.keepsHead;
    if (isThere) {
      const room = this.outbox.roomBefore(piece.end - piece.start);
      const put = putResponseHead(room, start, this);
      if (put >= 0) return this.outbox.sendPut(room, put, piece);
    }
    const text = buildResponseHead(head, fields, rules, this);
    this.sentHead = text;
    return framing === "chunked"
      ? this.outbox.sendChunk(text, this.passed(piece), isLast)
      : this.outbox.sendHead(text, piece);
  }

  /** Writes more of the body; true if all was taken. */
  body(piece: BodyPiece, isLast: boolean): boolean {
    return this.framing === "chunked"
      ? this.outbox.sendChunk("", this.passed(piece), isLast)
      : this.outbox.send(piece.bytes, piece.start, piece.end, piece.isFree);
  }

  /** Whether the client said that it takes trailer fields (RFC 9110 §6.5.1). */
  get takesTrailers(): boolean {
    return this.request?.takesTrailers === true;
  }

  /** Trailer fields go to clients that take them. */
  private passed(piece: BodyPiece): BodyPiece {
    const { bytes, end, start, trailers } = piece;
    if (trailers === undefined) return piece;
    return this.takesTrailers
      ? { bytes, start, end, trailers: passedTrailers(trailers) }
      : { bytes, start, end };
  }

  private isLast(isToClose: boolean): boolean {
    return isToClose || this.request?.keepsAlive !== true;
  }

  private framingFor({ bodyLength, status }: ResponseHead): ClientFraming {
    if (this.request?.method === "HEAD" || status === 204 || status === 304) return "none";
    if (bodyLength !== chunkedBody && bodyLength !== untilCloseBody) return "length";
    return this.request?.minor === 0 ? "until-close" : "chunked";
  }
}
