import { describe, expect, test } from "bun:test";
import {
  buildInterimHead,
  buildRequestHead,
  buildResponseHead,
  compileHeaderRules,
  putResponseHead,
  writeRequestHead,
  type ClientFraming,
} from "../../../src/proxy/headers.ts";
import { testClient } from "../../support/request-view.ts";
import { FieldTable } from "../../../src/proxy/http1/field-table.ts";
import { HeadScan } from "../../../src/proxy/http1/head-end.ts";
import { isFault, readRequestHead } from "../../../src/proxy/http1/request-head.ts";
import { readResponseHead, type ResponseHead } from "../../../src/proxy/http1/response-head.ts";

const by = testClient;
const ours =
  "X-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\nVia: 1.1 edge-ha\r\n";

function scanned(bytes: Buffer, start = 0): HeadScan {
  const scan = new HeadScan({ startLineBytes: 8192, headBytes: 16_384, fields: 128 });
  scan.begin(start);
  if (!scan.advance(bytes, bytes.length)) throw new Error("incomplete");
  return scan;
}

/** As text; what is written as bytes must be the same. */
function forwarded(lines: string, start = "GET /x?y HTTP/1.1\r\nHost: a\r\n"): string {
  const bytes = Buffer.from(`${start}${lines}\r\n`, "latin1");
  const fields = new FieldTable(128);
  const head = readRequestHead(bytes, scanned(bytes), fields);
  if (isFault(head)) throw new Error(head.reason);
  const text = buildRequestHead(head, fields, by);
  expect(writeRequestHead(head, fields, by, null).text).toBe(text);
  return text;
}

/** Reads a response that other bytes stand before and behind. */
function response(text: string): { readonly head: ResponseHead; readonly fields: FieldTable } {
  const fields = new FieldTable(128);
  const bytes = Buffer.from(`before${text}behind`, "latin1");
  const head = readResponseHead(bytes, scanned(bytes, "before".length), fields, "GET");
  if (typeof head === "string") throw new Error(head);
  return { head, fields };
}

/** As text; what is written from the bytes must be the same, wherever in these the head stands. */
function answered(lines: string, rules = {}, framing: ClientFraming = "length", closes = false): string {
  const { fields, head } = response(`HTTP/1.1 200 Fine\r\n${lines}\r\n`);
  const compiled = compileHeaderRules({ remove: [], set: [], add: [], ...rules });
  const text = buildResponseHead(head, fields, compiled, { framing, closes });
  const into = Buffer.alloc(4096);
  const start = { head, fields, rules: compiled };
  const length = putResponseHead({ bytes: into, start: 0 }, start, { framing, closes });
  if (framing === "chunked") expect(length).toBe(-1);
  else expect(into.toString("latin1", 0, length)).toBe(text);
  return text;
}

describe("a forwarded request", () => {
  test("keeps unknown fields in their order and their letters, and adds ours", () => {
    const text = forwarded("X-b: 1\r\nx-A:  2\r\nX-b: 3\r\n");
    expect(text).toBe(`GET /x?y HTTP/1.1\r\nHost: a\r\nX-b: 1\r\nx-A: 2\r\nX-b: 3\r\n${ours}\r\n`);
  });

  test("has Host first, written plainly, wherever and however it stood (RFC 9110 §7.2)", () => {
    const plain = `GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n${ours}\r\n`;
    expect(forwarded("X: 1\r\nHost:a\r\n", "GET / HTTP/1.1\r\n")).toBe(plain);
    expect(forwarded("X: 1\r\n", "GET / HTTP/1.7\r\nHost: a\r\n")).toBe(plain);
    expect(forwarded("Host:  a \r\nConnection: y\r\nX: 1\r\n", "GET / HTTP/1.1\r\n")).toBe(plain);
  });

  test("loses what belongs to one connection (RFC 9110 §7.6.1)", () => {
    const hop =
      "Connection: keep-alive, X-Hop, close\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nTrailer: X\r\n" +
      "Upgrade: h2c\r\nProxy-Authorization: y\r\nProxy-Authenticate: z\r\nX-hop: 1\r\nExpect: 100-continue\r\n";
    expect(forwarded(hop)).toBe(`GET /x?y HTTP/1.1\r\nHost: a\r\n${ours}\r\n`);
  });

  test("does not lose our own fields, Host or Authorization because Connection lists them", () => {
    const text = forwarded(
      "Connection: host, x-real-ip, x-forwarded-for, authorization, via\r\nAuthorization: Basic x\r\n",
    );
    expect(text).toBe(`GET /x?y HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\n${ours}\r\n`);
  });

  test("has the client's address in place of what the client says of itself", () => {
    const text = forwarded(
      "X-Forwarded-For: 203.0.113.1\r\nX-Real-IP: 6.6.6.6\r\nx-forwarded-for: 203.0.113.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\n",
    );
    expect(text).toContain("X-Forwarded-For: 192.0.2.1\r\n");
    for (const lost of ["203.0.113", "6.6.6.6", "https", "evil"]) expect(text).not.toContain(lost);
  });

  test("loses fields that some servers take for ours", () => {
    expect(forwarded("X_Forwarded_For: 1\r\nX-Real_IP: 2\r\nContent_Length: 3\r\nmy_field: 4\r\n")).toBe(
      `GET /x?y HTTP/1.1\r\nHost: a\r\nmy_field: 4\r\n${ours}\r\n`,
    );
  });

  test("is framed in one way only", () => {
    expect(forwarded("Content-Length: 3\r\nX: 1\r\n")).toContain("\r\nContent-Length: 3\r\nX: 1\r\n");
    const chunked = forwarded("Transfer-Encoding: Chunked\r\n");
    expect(chunked.match(/transfer-encoding/gi)).toHaveLength(1);
    expect(chunked).toContain("\r\nTransfer-Encoding: chunked\r\n\r\n");
  });

  test("tells the server of a client that takes trailer fields, and of nothing else in TE (RFC 9110 §10.1.4)", () => {
    const told = `GET /x?y HTTP/1.1\r\nHost: a\r\n${ours}TE: trailers\r\nConnection: TE\r\n\r\n`;
    expect(forwarded("TE: gzip;q=0.5, trailers\r\nConnection: TE\r\n")).toBe(told);
    expect(forwarded("TE: trailers\r\n", "GET / HTTP/1.0\r\nHost: a\r\n")).not.toContain("TE:");
  });

  test("keeps an earlier Via before ours (RFC 9110 §7.6.3)", () => {
    expect(forwarded("Via: 1.0 fred\r\n")).toMatch(/Via: 1\.0 fred\r\n[^]*Via: 1\.1 edge-ha\r\n/);
    expect(forwarded("", "GET / HTTP/1.0\r\n")).toContain("Via: 1.0 edge-ha\r\n");
  });

  test("of HTTP/1.0 without Host names the address it came to", () => {
    expect(forwarded("", "GET / HTTP/1.0\r\n")).toStartWith("GET / HTTP/1.1\r\nHost: 192.0.2.2:80\r\n");
  });

  test("in absolute form becomes origin-form with the host of its target", () => {
    expect(forwarded("", "GET http://b/x HTTP/1.1\r\nHost: a\r\n")).toStartWith(
      "GET /x HTTP/1.1\r\nHost: b\r\n",
    );
  });

  test("for a WebSocket carries the upgrade, and nothing else of Upgrade", () => {
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const text = forwarded(`Connection: Upgrade, X\r\nUpgrade: h2c, websocket\r\n${key}X: 1\r\n`);
    expect(text).toBe(
      `GET /x?y HTTP/1.1\r\nHost: a\r\n${key}${ours}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
  });

  test("of OPTIONS has Max-Forwards counted down (RFC 9110 §7.6.2)", () => {
    const options = "OPTIONS * HTTP/1.1\r\nHost: a\r\n";
    expect(forwarded("Max-Forwards: 3\r\n", options)).toContain("Max-Forwards: 2\r\n");
    expect(forwarded("", options)).not.toContain("Max-Forwards");
  });
});

describe("a forwarded response", () => {
  test("keeps Server, Date and all of Set-Cookie", () => {
    const lines = "Server: s\r\nDate: d\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 3\r\n";
    expect(answered(lines)).toBe(`HTTP/1.1 200 Fine\r\n${lines}\r\n`);
  });

  test("loses what belongs to one connection and is framed anew", () => {
    const lines =
      "Connection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\nUpgrade: h2\r\n";
    expect(answered(lines, {}, "chunked")).toBe("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect(answered(lines, {}, "until-close", true)).toBe("HTTP/1.1 200 Fine\r\nConnection: close\r\n\r\n");
  });

  test("has one Content-Length where the server sent several alike", () => {
    expect(answered("Content-Length: 3\r\nX: 1\r\nContent-Length: 3\r\n")).toBe(
      "HTTP/1.1 200 Fine\r\nContent-Length: 3\r\nX: 1\r\n\r\n",
    );
  });

  test("follows the rules: remove, then set, then add", () => {
    const rules = { remove: ["Server"], set: [["X-Frame", "DENY"]], add: [["Vary", "b"]] };
    expect(answered("server: s\r\nVary: a\r\nx-frame: old\r\nContent-Length: 0\r\n", rules)).toBe(
      "HTTP/1.1 200 Fine\r\nVary: a\r\nContent-Length: 0\r\nX-Frame: DENY\r\nVary: b\r\n\r\n",
    );
  });

  test("of 204 has no Content-Length, of 304 may (RFC 9110 §8.6)", () => {
    const rules = compileHeaderRules({ remove: [], set: [], add: [] });
    const none = { framing: "none", closes: false } as const;
    const first = response("HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n");
    expect(buildResponseHead(first.head, first.fields, rules, none)).toBe("HTTP/1.1 204 X\r\n\r\n");
    const second = response("HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n");
    expect(buildResponseHead(second.head, second.fields, rules, none)).toContain("Content-Length: 9\r\n");
  });

  test("is put together as text where it is longer than the place for it, or not of HTTP/1.1", () => {
    const rules = compileHeaderRules({ remove: [], set: [], add: [] });
    for (const [version, room] of [
      ["1.1", 58],
      ["1.0", 4096],
    ] as const) {
      const { fields, head } = response(`HTTP/${version} 200 X\r\nContent-Length: 9\r\n\r\n`);
      fields.source = Buffer.from(fields.text, "latin1");
      const start = { head, fields, rules };
      expect(
        putResponseHead({ bytes: Buffer.alloc(room), start: 0 }, start, { framing: "length", closes: true }),
      ).toBe(-1);
    }
  });

  test("that is interim keeps its fields", () => {
    const { fields, head } = response("HTTP/1.1 103 Early Hints\r\nLink: x\r\nConnection: close\r\n\r\n");
    expect(buildInterimHead(head, fields)).toBe("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
  });
});
