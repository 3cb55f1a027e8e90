import type { Answer } from "../answer.ts";
import type { ResponseStart } from "../exchange-client.ts";
import { eachResponseField } from "../headers.ts";
import type { FieldTable } from "../http1/field-table.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import type { StreamHeads } from "../http2/stream-host.ts";
import { addField, addLines, statusBlock, type FieldBlock } from "./fields.ts";

/** What carries the field sections of one stream. */
export interface SectionCarrier {
  /** Sends a final head; it ends the stream if it is the last. */
  sendHead(block: FieldBlock, isLast: boolean): void;
  /** Sends the head of an interim response. */
  sendInterimHead(block: FieldBlock): void;
}

/** Writes the heads of one stream of HTTP/3, whose number is of no matter. */
export class FieldWriter implements StreamHeads {
  private readonly carrier: SectionCarrier;

  constructor(carrier: SectionCarrier) {
    this.carrier = carrier;
  }

  response(
    _stream: number,
    start: ResponseStart,
    o: { readonly isLast: boolean; readonly wantsText: boolean },
  ): string {
    const { fields, head, rules } = start;
    const block = statusBlock(head.status);
    let text = "\n";
    eachResponseField(head, fields, rules, (name, value) => {
      addField(block, name, value);
      if (o.wantsText) text += `${name}: ${value}\n`;
    });
    this.carrier.sendHead(block, o.isLast);
    return text;
  }

  opened(_stream: number, head: ResponseHead, fields: FieldTable): void {
    const block = statusBlock(200);
    eachResponseField(head, fields, null, (name, value) => {
      if (name !== "sec-websocket-accept") addField(block, name, value);
    });
    this.carrier.sendHead(block, false);
  }

  interim(_stream: number, status: number, head: ResponseHead | null, fields: FieldTable | null): void {
    const block = statusBlock(status);
    if (head !== null && fields !== null) {
      eachResponseField(head, fields, null, (name, value) => addField(block, name, value));
    }
    this.carrier.sendInterimHead(block);
  }

  answer(_stream: number, answer: Answer, o: { readonly date: string; readonly isLast: boolean }): void {
    const block = statusBlock(answer.status);
    addField(block, "date", o.date);
    addLines(block, answer.fields);
    if (answer.status !== 204) addField(block, "content-length", String(answer.body.length));
    this.carrier.sendHead(block, o.isLast);
  }
}
