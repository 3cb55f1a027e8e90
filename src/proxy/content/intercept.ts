import { reasonOf } from "../answer.ts";
import type { ResponseSink, ResponseStart } from "../exchange-client.ts";
import { fieldLines, writtenLines } from "../http1/field-lines.ts";
import { ResponseChange } from "../response-change.ts";
import type { ResponseFilter } from "../snapshot.ts";
import type { BodyPiece } from "../body-piece.ts";
import { craftResponse } from "./crafted-response.ts";
import type { ErrorPages } from "./error-pages.ts";

const noPiece: BodyPiece = { bytes: Buffer.alloc(0), start: 0, end: 0 };

/** Fields of an error that its page keeps: they tell the client what to do next. */
const kept: ReadonlySet<string> = new Set([
  "retry-after",
  "www-authenticate",
  "allow",
  "date",
  "set-cookie",
  "cache-control",
]);

/** Puts pages in place of the servers' errors. */
export function interceptor(pages: ErrorPages): ResponseFilter {
  return (view, client) => new Interception(pages, client, view.head.method === "HEAD");
}

/** One response, replaced if it is an error with a page; the body of the server's goes nowhere. */
class Interception extends ResponseChange {
  private readonly pages: ErrorPages;
  private readonly isHead: boolean;
  private isReplaced = false;

  constructor(pages: ErrorPages, client: ResponseSink, isHead: boolean) {
    super(client);
    this.pages = pages;
    this.isHead = isHead;
  }

  override sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { status } = start.head;
    const page = this.pages.of(status);
    if (page === null) return this.client.sendResponse(start, piece, isLast);
    this.isReplaced = true;
    const { body } = page;
    const others = writtenLines(fieldLines(start.fields, (name) => kept.has(name)));
    const lines = `${page.fields}${others}Content-Length: ${body.length}\r\n`;
    const crafted = craftResponse(`HTTP/1.1 ${status} ${reasonOf(status)}`, lines);
    const whole = this.isHead ? noPiece : { bytes: body, start: 0, end: body.length };
    return this.client.sendResponse({ ...start, ...crafted }, whole, isLast);
  }

  override sendBody(piece: BodyPiece, isLast: boolean): boolean {
    if (!this.isReplaced) return this.client.sendBody(piece, isLast);
    return isLast ? this.client.sendBody(noPiece, true) : true;
  }
}
