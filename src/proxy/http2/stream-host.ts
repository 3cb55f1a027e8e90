import type { Answer } from "../answer.ts";
import type { Engine } from "../engine.ts";
import type { ResponseStart } from "../exchange-client.ts";
import type { ForwardedBy } from "../headers.ts";
import type { FieldTable } from "../http1/field-table.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import type { Listener } from "../listener.ts";
import type { SecuredBy } from "../request-record.ts";
import type { ServerStream } from "./stream.ts";

/** Writes the heads that go to a client on streams, each in the way of its version of HTTP. */
export interface StreamHeads {
  /** Writes the final head of a server's response; gives it as text if that is wanted. */
  response(
    stream: number,
    start: ResponseStart,
    o: { readonly isLast: boolean; readonly wantsText: boolean },
  ): string;
  /** Tells that a WebSocket is there, with what the server said of it in HTTP/1.1's 101. */
  opened(stream: number, head: ResponseHead, fields: FieldTable): void;
  /** Writes a 1xx response; without a head it has no fields. */
  interim(stream: number, status: number, head: ResponseHead | null, fields: FieldTable | null): void;
  /** Writes the head of an answer of the proxy's own. */
  answer(stream: number, answer: Answer, o: { readonly date: string; readonly isLast: boolean }): void;
}

/** The connection of a request that is a stream: of HTTP/2, or of HTTP/3. */
export interface StreamHost {
  readonly engine: Engine;
  readonly listener: Listener;
  readonly wire: SecuredBy;
  readonly by: ForwardedBy;
  readonly heads: StreamHeads;
  readonly localAddress: string;
  readonly version: "HTTP/2.0" | "HTTP/3.0";
  /** Ends a stream at once; the client sees that something is missing. Codes are those of RFC 9113 §7. */
  reset(stream: ServerStream, code: number): void;
  /** A stream is over; a code tells the client that nothing more of it is wanted. */
  finished(stream: ServerStream, code: number | null): void;
}

/**
 * Looks how fast the clients of these streams are. `moved` is what the client has got over their socket since the last look, if that
 * takes no more.
 */
export function judgePaces(all: Iterable<ServerStream>, now: number, moved: number | null = null): void {
  const streams = [...all];
  if (streams.length === 0) return;
  const readers = streams.filter(({ isReading }) => isReading).length;
  const senders = streams.filter(({ isSending }) => isSending).length;
  for (const stream of streams) {
    stream.countReading(moved === null ? null : moved / Math.max(1, readers));
    stream.judgePace(now, readers, senders);
  }
}
