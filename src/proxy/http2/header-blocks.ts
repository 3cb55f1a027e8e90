import type { Answer } from "../answer.ts";
import type { ResponseStart } from "../exchange-client.ts";
import { eachResponseField } from "../headers.ts";
import type { FieldTable } from "../http1/field-table.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import { flag, frameType, maxPayloadBytes } from "./frames.ts";
import type { Field } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { FrameOutput } from "./output.ts";

/** One for all connections: a block is written and handed over within the turn. It grows for what is larger than usual heads. */
let block = Buffer.allocUnsafeSlow(160 * 1024);
/** What a field's two lengths take at most, before its name and its value. */
const lengthBytes = 16;

/** Writes the header blocks of one connection. */
export class HeaderBlocks {
  private readonly encoder: HpackEncoder;
  private readonly output: FrameOutput;

  constructor(output: FrameOutput, tableBytes: number) {
    this.output = output;
    this.encoder = new HpackEncoder(tableBytes);
  }

  /** Obeys the peer's SETTINGS_HEADER_TABLE_SIZE. */
  limitTable(bytes: number): void {
    this.encoder.limit(bytes);
  }

  /** Writes the final head of a server's response; gives it as text if that is wanted. */
  response(
    stream: number,
    start: ResponseStart,
    o: { readonly isLast: boolean; readonly wantsText: boolean },
  ): string {
    const { fields, head, rules } = start;
    let at = this.begin(head.status);
    let text = "\n";
    eachResponseField(head, fields, rules, (name, value) => {
      at = this.field(at, name, value);
      if (o.wantsText) text += `${name}: ${value}\n`;
    });
    this.send(stream, at, o.isLast);
    return text;
  }

  /** Tells that a WebSocket is there, with what the server said of it in HTTP/1.1's 101 (RFC 8441 §5). */
  opened(stream: number, head: ResponseHead, fields: FieldTable): void {
    let at = this.begin(200);
    eachResponseField(head, fields, null, (name, value) => {
      if (name !== "sec-websocket-accept") at = this.field(at, name, value);
    });
    this.send(stream, at, false);
  }

  /** Writes a 1xx response; without a head it has no fields. */
  interim(stream: number, status: number, head: ResponseHead | null, fields: FieldTable | null): void {
    let at = this.begin(status);
    if (head !== null && fields !== null) {
      eachResponseField(head, fields, null, (name, value) => {
        at = this.field(at, name, value);
      });
    }
    this.send(stream, at, false);
  }

  /** Writes the head of an answer of the proxy's own. */
  answer(stream: number, answer: Answer, o: { readonly date: string; readonly isLast: boolean }): void {
    let at = this.field(this.begin(answer.status), "date", o.date);
    at = this.lines(at, answer.fields);
    if (answer.status !== 204) at = this.field(at, "content-length", String(answer.body.length));
    this.send(stream, at, o.isLast);
  }

  /** Writes the head of a request. */
  request(stream: number, fields: readonly Field[], isLast: boolean): void {
    let at = this.encoder.begin(block, 0);
    for (const { name, value } of fields) at = this.field(at, name, value);
    this.send(stream, at, isLast);
  }

  /** Writes trailers, which end the stream (RFC 9113 §8.1). */
  trailers(stream: number, lines: string): void {
    this.send(stream, this.lines(this.encoder.begin(block, 0), lines), true);
  }

  private lines(start: number, lines: string): number {
    let at = start;
    for (const line of lines.split("\r\n")) {
      const colon = line.indexOf(":");
      if (colon < 0) continue;
      at = this.field(at, line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return at;
  }

  private begin(status: number): number {
    return this.field(this.encoder.begin(block, 0), ":status", String(status));
  }

  private field(at: number, name: string, value: string): number {
    const most = at + lengthBytes + name.length + value.length;
    if (most > block.length) {
      const grown = Buffer.allocUnsafeSlow(2 * most);
      block.copy(grown, 0, 0, at);
      block = grown;
    }
    return this.encoder.field(block, at, name, value);
  }

  private send(stream: number, end: number, isLast: boolean): void {
    let type: number = frameType.headers;
    let at = 0;
    do {
      const length = Math.min(end - at, maxPayloadBytes);
      const isWhole = at + length === end;
      const flags = (isWhole ? flag.endHeaders : 0) | (isLast && at === 0 ? flag.endStream : 0);
      this.output.addFrame({ length, type, flags, stream }, block, at);
      type = frameType.continuation;
      at += length;
    } while (at < end);
  }
}
