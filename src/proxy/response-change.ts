import type { Log } from "../base/log.ts";
import type { Answer } from "./answer.ts";
import type { ResponseSink, ResponseStart } from "./exchange-client.ts";
import type { RequestView } from "./request-view.ts";
import type { ResponseFilter } from "./snapshot.ts";
import type { BodyPiece } from "./body-piece.ts";

/** What stands before a client and changes responses; what it does not change it passes on. */
export abstract class ResponseChange implements ResponseSink {
  protected readonly client: ResponseSink;

  constructor(client: ResponseSink) {
    this.client = client;
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    return this.client.sendResponse(start, piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    return this.client.sendBody(piece, isLast);
  }

  inPortions(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    return this.client.inPortions?.(start, piece, isLast) === true;
  }

  dropped(): void {
    this.client.dropped?.();
  }

  changed(answer: Answer): Answer {
    return this.passedOn(answer);
  }

  protected passedOn(answer: Answer): Answer {
    return this.client.changed?.(answer) ?? answer;
  }
}

/** Sends more of a body; null if what changes it cannot go on: the client has to see then that it lacks the rest. */
export function bodySent(sink: ResponseSink, piece: BodyPiece, isLast: boolean, log: Log): boolean | null {
  try {
    return sink.sendBody(piece, isLast);
  } catch (error) {
    brokenOff(error, log);
    return null;
  }
}

/** Tells that what changes a response cannot go on. */
export function brokenOff(error: unknown, log: Log): void {
  log.warning(`a response was broken off: ${String(error)}`);
}

/** Puts what changes a response on its way in front of the client. */
export function filtered(
  view: RequestView,
  filters: readonly ResponseFilter[],
  client: ResponseSink,
): ResponseSink {
  // The first is next to the server, so it is put on last.
  return filters.reduceRight((sink, filter) => filter(view, sink) ?? sink, client);
}
