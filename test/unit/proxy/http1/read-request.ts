import { FieldTable } from "../../../../src/proxy/http1/field-table.ts";
import { HeadScan } from "../../../../src/proxy/http1/head-end.ts";
import {
  faultOfScan,
  isFault,
  readRequestHead,
  type RequestHead,
} from "../../../../src/proxy/http1/request-head.ts";

/** What reading one request head came to. */
export type Outcome =
  | {
      readonly kind: "head";
      readonly head: RequestHead;
      readonly fields: readonly string[];
      readonly rest: number;
    }
  | { readonly kind: "fault"; readonly status: number; readonly reason: string }
  | { readonly kind: "incomplete" };

const limits = { startLineBytes: 8192, headBytes: 16_384, fields: 128 };

/** Reads a request head that arrives cut at these places. */
export function readRequest(bytes: Uint8Array, cuts: readonly number[] = []): Outcome {
  const scan = new HeadScan(limits);
  scan.begin(0);
  for (const length of [...cuts, bytes.length]) {
    if (!scan.advance(bytes, length)) continue;
    if (scan.fault !== null) return { kind: "fault", ...faultOfScan(scan.fault) };
    const fields = new FieldTable(limits.fields);
    const head = readRequestHead(Buffer.from(bytes), scan, fields);
    if (isFault(head)) return { kind: "fault", ...head };
    const lines = Array.from({ length: fields.count }, (_, at) => `${fields.name(at)}: ${fields.value(at)}`);
    return { kind: "head", head, fields: lines, rest: bytes.length - scan.end };
  }
  return { kind: "incomplete" };
}

/** Reads a request head written as text, one character an octet. */
export function readText(text: string): Outcome {
  return readRequest(Buffer.from(text, "latin1"));
}

/** The status of the answer to a faulty head, or what else became of it. */
export function statusOf(text: string): number | string {
  const outcome = readText(text);
  return outcome.kind === "fault" ? outcome.status : outcome.kind;
}
