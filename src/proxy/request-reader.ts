import { BodyReader } from "./http1/body-reader.ts";
import { FieldTable } from "./http1/field-table.ts";
import type { HeadLimits, HeadScan } from "./http1/head-end.ts";
import {
  faultOfScan,
  isFault,
  readRequestHead,
  type RequestFault,
  type RequestHead,
} from "./http1/request-head.ts";
import { InputBuffer } from "./input-buffer.ts";
import { readLatin1 } from "./latin1.ts";
import type { BodyPiece } from "./body-piece.ts";

const maxBlankLines = 4;
// Shared: what is read is used within the turn.
const fields = new FieldTable(256);

/** Reads the requests of one connection: head and body, one after another. */
export class RequestReader {
  /** What arrived and was not used yet. */
  readonly input: InputBuffer = new InputBuffer();
  readonly body: BodyReader = new BodyReader();
  /** The fields of the head read last, within the turn. */
  readonly fields: FieldTable = fields;
  /** The first line of a head that could not be read; empty if there is none that could be told from the rest. */
  requestLine = "";
  /** Whether a head was looked for in what arrived since the last `begin`. */
  isHeadBegun = false;
  /** Whether `takeBody` has given bytes since this was set to false. */
  hasGivenBody = false;
  private readonly limits: HeadLimits;
  private blankLines = 0;

  constructor(limits: HeadLimits) {
    this.limits = limits;
  }

  /** Looks for the next head behind the request that is complete. */
  begin(): void {
    this.isHeadBegun = false;
  }

  /** Gives the next head and begins with its body, or tells what is wrong with it; null if more has to arrive first. */
  next(): RequestHead | RequestFault | null {
    const { input } = this;
    this.isHeadBegun = true;
    this.requestLine = "";
    for (;;) {
      const { bytes } = input;
      const scan = input.findHead(this.limits);
      if (bytes === null || scan === null) return null;
      if (scan.fault !== null) return faultOfScan(scan.fault);
      if (scan.lineCount > 0) return this.read(bytes, scan);
      // RFC 9112 §2.2: a few empty lines before a request are forgiven.
      if (++this.blankLines > maxBlankLines) return { status: 400, reason: "empty lines" };
      input.consumeTo(scan.end);
    }
  }

  /** Gives what has arrived of the body; null if that is nothing. */
  takeBody(): BodyPiece | null {
    const { body, input } = this;
    const { bytes } = input;
    if (body.isDone || bytes === null) return null;
    this.hasGivenBody = true;
    input.consumeTo(body.take(bytes, input.start, input.end));
    return { bytes, start: body.payloadStart, end: body.payloadEnd };
  }

  private read(bytes: Buffer, scan: HeadScan): RequestHead | RequestFault {
    const { input } = this;
    this.blankLines = 0;
    const head = readRequestHead(bytes, scan, fields);
    if (isFault(head)) this.requestLine = readLatin1(bytes, input.start, (scan.lineEnds[0] ?? 0) - 2);
    input.consumeTo(scan.end);
    return head;
  }
}
