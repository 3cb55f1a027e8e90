import { describe, expect, test } from "bun:test";
import { FieldTable } from "../../../../src/proxy/http1/field-table.ts";
import { HeadScan } from "../../../../src/proxy/http1/head-end.ts";
import { chunkedBody, untilCloseBody } from "../../../../src/proxy/http1/request-head.ts";
import { readResponseHead, type ResponseHead } from "../../../../src/proxy/http1/response-head.ts";

function read(text: string, method = "GET"): ResponseHead | string {
  const scan = new HeadScan({ startLineBytes: 8192, headBytes: 65_536, fields: 256 });
  scan.begin(0);
  const bytes = Buffer.from(text, "latin1");
  if (!scan.advance(bytes, bytes.length)) return "incomplete";
  return scan.fault ?? readResponseHead(bytes, scan, new FieldTable(256), method);
}

function head(text: string, method = "GET"): ResponseHead {
  const result = read(text, method);
  if (typeof result === "string") throw new Error(result);
  return result;
}

describe("a response head", () => {
  test("is read with status and length", () => {
    expect(head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")).toMatchObject({
      status: 200,
      bodyLength: 3,
      keepsAlive: true,
    });
  });

  test("may lack a reason, and even the space before it", () => {
    expect(head("HTTP/1.1 204 \r\n\r\n").status).toBe(204);
    expect(head("HTTP/1.1 204\r\n\r\n").status).toBe(204);
  });

  test("without a length lasts until the connection ends, which is then of no more use (RFC 9112 §6.3)", () => {
    expect(head("HTTP/1.1 200 OK\r\n\r\n")).toMatchObject({ bodyLength: untilCloseBody, keepsAlive: false });
  });

  test("with chunks is kept alive", () => {
    const text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
    expect(head(text)).toMatchObject({ bodyLength: chunkedBody, keepsAlive: true });
  });

  test("of HTTP/1.0 does not keep the connection", () => {
    expect(head("HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n").keepsAlive).toBe(
      false,
    );
  });

  test("has no body after HEAD and with 1xx, 204 and 304, whatever it declares (RFC 9112 §6.3)", () => {
    expect(head("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD")).toMatchObject({
      bodyLength: 0,
      declaredLength: 9,
    });
    expect(head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD").bodyLength).toBe(0);
    for (const status of [100, 103, 204, 304]) {
      expect(head(`HTTP/1.1 ${status} X\r\nContent-Length: 9\r\n\r\n`).bodyLength).toBe(0);
    }
  });

  test("may repeat an equal Content-Length, and put a space before a colon (RFC 9112 §5.1, §6.3)", () => {
    expect(head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length : 3\r\n\r\n").bodyLength).toBe(3);
  });

  const faults: readonly (readonly [what: string, text: string])[] = [
    ["no status line", "\r\n"],
    ["another protocol", "ICY 200 OK\r\n\r\n"],
    ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a status below 100", "HTTP/1.1 099 OK\r\n\r\n"],
    ["lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\n"],
    ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n"],
    [
      "Content-Length with Transfer-Encoding",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ["a coding we did not ask for", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
    ["chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["obs-fold", "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n"],
    ["a bare line feed", "HTTP/1.1 200 OK\nX: 1\r\n\r\n"],
    ["a NUL", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"],
    ["no colon", "HTTP/1.1 200 OK\r\nX\r\n\r\n"],
  ];
  for (const [what, text] of faults) test(`is at fault with ${what}`, () => expect(read(text)).toBeString());
});
