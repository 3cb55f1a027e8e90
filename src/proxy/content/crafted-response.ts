import { FieldTable } from "../http1/field-table.ts";
import { HeadScan } from "../http1/head-end.ts";
import { readResponseHead, type ResponseHead } from "../http1/response-head.ts";

/** A response head that came from no connection; it stays valid. */
export interface CraftedResponse {
  readonly head: ResponseHead;
  readonly fields: FieldTable;
}

const limits = { startLineBytes: 8192, headBytes: 128 * 1024, fields: 300 };
// Shared: it is used within the call.
const scan = new HeadScan(limits);

/** Makes a response of a status line without its line end, and field lines with theirs; throws if they are none. */
export function craftResponse(statusLine: string, lines: string): CraftedResponse {
  const bytes = Buffer.from(`${statusLine}\r\n${lines}\r\n`, "latin1");
  scan.begin(0);
  const isWhole = scan.advance(bytes, bytes.length);
  if (!isWhole || scan.fault !== null) throw new Error(`no response head: ${scan.fault ?? "incomplete"}`);
  const fields = new FieldTable(scan.lineCount);
  const head = readResponseHead(bytes, scan, fields, "GET");
  if (typeof head === "string") throw new Error(`no response head: ${head}`);
  return { head, fields };
}
