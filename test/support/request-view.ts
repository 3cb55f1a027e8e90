import type { ForwardedBy } from "../../src/proxy/headers.ts";
import { FieldTable } from "../../src/proxy/http1/field-table.ts";
import { HeadScan } from "../../src/proxy/http1/head-end.ts";
import { isFault, readRequestHead } from "../../src/proxy/http1/request-head.ts";
import { RequestView } from "../../src/proxy/request-view.ts";
import { matchingPath } from "../../src/proxy/routes.ts";

/** Who sends requests in tests. */
export const testClient: ForwardedBy = {
  via: "edge-ha",
  remoteAddress: "192.0.2.1",
  ends: {
    source: { address: "192.0.2.1", port: 40_000 },
    destination: { address: "192.0.2.2", port: 80 },
  },
  localAuthority: "192.0.2.2:80",
  scheme: "http",
  certificateFields: "",
  refusal: null,
  lastHost: "",
  lastAdded: "",
  lastMinor: -1,
  lastFields: "",
};

/** Gives a request as routes and policies see it; `lines` are its field lines without Host, each with its line end. */
export function requestView(requestLine: string, lines = "", by: ForwardedBy = testClient): RequestView {
  const text = `${requestLine} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  const scan = new HeadScan({ startLineBytes: 8192, headBytes: 65_536, fields: 128 });
  scan.begin(0);
  const bytes = Buffer.from(text, "latin1");
  if (!scan.advance(bytes, bytes.length) || scan.fault !== null) throw new Error(scan.fault ?? "incomplete");
  const fields = new FieldTable(128);
  const head = readRequestHead(bytes, scan, fields);
  if (isFault(head)) throw new Error(head.reason);
  const view = new RequestView(by, head, fields);
  view.set(head, fields, matchingPath(head.target) ?? "/");
  return view;
}
