import { describe, expect, test } from "bun:test";
import { chunkedBody } from "../../../../src/proxy/http1/request-head.ts";
import { readRequest, readText, statusOf } from "./read-request.ts";

const start = "GET / HTTP/1.1\r\nHost: a.example\r\n";

function headOf(text: string): Extract<ReturnType<typeof readText>, { kind: "head" }> {
  const outcome = readText(text);
  if (outcome.kind !== "head") throw new Error(`${outcome.kind}: ${JSON.stringify(outcome)}`);
  return outcome;
}

describe("a request head", () => {
  test("is read with method, target, host and fields in their order", () => {
    const text =
      "POST /a?b=c HTTP/1.1\r\nHost: A.Example:8080\r\nX-One: 1\r\nx-two:  2\t\r\nX-One: 3\r\nContent-Length: 5\r\n\r\nhello";
    const { head, fields, rest } = headOf(text);
    expect(head).toMatchObject({
      method: "POST",
      target: "/a?b=c",
      minor: 1,
      host: "A.Example:8080",
      bodyLength: 5,
    });
    expect(head.hostName).toBe("a.example");
    expect(fields).toEqual(["Host: A.Example:8080", "X-One: 1", "x-two: 2", "X-One: 3", "Content-Length: 5"]);
    expect(rest).toBe(5);
  });

  const refused: readonly (readonly [clause: string, text: string, status: number])[] = [
    // Framing
    [
      "RFC 9112 §6.1 Content-Length with Transfer-Encoding",
      `${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    [
      "RFC 9112 §6.1 Transfer-Encoding with Content-Length",
      `${start}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`,
      400,
    ],
    ["RFC 9112 §6.3 final coding not chunked", `${start}Transfer-Encoding: gzip\r\n\r\n`, 400],
    ["RFC 9112 §6.3 chunked not final", `${start}Transfer-Encoding: chunked, gzip\r\n\r\n`, 400],
    ["RFC 9112 §6.3 identity", `${start}Transfer-Encoding: identity\r\n\r\n`, 400],
    ["RFC 9112 §6.3 chunked, identity", `${start}Transfer-Encoding: chunked, identity\r\n\r\n`, 400],
    ["RFC 9112 §6.3 xchunked", `${start}Transfer-Encoding: xchunked\r\n\r\n`, 400],
    ["RFC 9112 §6.3 quoted chunked", `${start}Transfer-Encoding: "chunked"\r\n\r\n`, 400],
    ["RFC 9112 §6.3 vertical tab before chunked", `${start}Transfer-Encoding: \x0bchunked\r\n\r\n`, 400],
    ["RFC 9110 §5.6.3 no-break space before chunked", `${start}Transfer-Encoding: \xa0chunked\r\n\r\n`, 400],
    ["RFC 9112 §6.3 empty Transfer-Encoding", `${start}Transfer-Encoding:\r\n\r\n`, 400],
    ["RFC 9112 §7.1 chunked twice", `${start}Transfer-Encoding: chunked, chunked\r\n\r\n`, 400],
    [
      "RFC 9112 §7.1 chunked twice in two lines",
      `${start}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    ["RFC 9112 §6.1 unknown coding before chunked", `${start}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
    [
      "RFC 9112 §6.1 Transfer-Encoding in HTTP/1.0",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["RFC 9110 §8.6 signed length", `${start}Content-Length: +5\r\n\r\n`, 400],
    ["RFC 9110 §8.6 negative length", `${start}Content-Length: -1\r\n\r\n`, 400],
    ["RFC 9110 §8.6 hexadecimal length", `${start}Content-Length: 0x5\r\n\r\n`, 400],
    ["RFC 9110 §8.6 empty length", `${start}Content-Length:\r\n\r\n`, 400],
    ["RFC 9110 §8.6 length with a blank", `${start}Content-Length: 1 0\r\n\r\n`, 400],
    ["RFC 9110 §8.6 length too large to count", `${start}Content-Length: 99999999999999999999\r\n\r\n`, 400],
    ["RFC 9112 §6.3 list of lengths", `${start}Content-Length: 5, 5\r\n\r\n`, 400],
    ["RFC 9112 §6.3 two lengths that differ", `${start}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400],
    ["RFC 9112 §6.3 two lengths alike", `${start}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`, 400],
    // Lines and fields
    ["RFC 9112 §2.2 bare line feed after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §2.2 bare line feed after a field", `${start}X: 1\n\r\n`, 400],
    ["RFC 9112 §2.2 bare line feed at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400],
    ["RFC 9112 §2.2 bare carriage return", `${start}X: 1\r2\r\n\r\n`, 400],
    ["RFC 9112 §2.2 white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400],
    ["RFC 9112 §5.1 space before the colon", `${start}X : 1\r\n\r\n`, 400],
    ["RFC 9112 §5.1 tab before the colon", `${start}Transfer-Encoding\t: chunked\r\n\r\n`, 400],
    ["RFC 9112 §5.2 obs-fold", `${start}X: 1\r\n 2\r\n\r\n`, 400],
    ["RFC 9112 §5.2 obs-fold with a tab", `${start}X: 1\r\n\t2\r\n\r\n`, 400],
    ["RFC 9110 §5.5 NUL in a value", `${start}X: 1\x002\r\n\r\n`, 400],
    ["RFC 9110 §5.5 control in a value", `${start}X: 1\x012\r\n\r\n`, 400],
    ["RFC 9110 §5.5 DEL in a value", `${start}X: 1\x7f2\r\n\r\n`, 400],
    ["RFC 9110 §5.1 name that is no token", `${start}X(Y): 1\r\n\r\n`, 400],
    ["RFC 9110 §5.1 name beyond ASCII", `${start}X\xe9: 1\r\n\r\n`, 400],
    ["RFC 9110 §5.1 no name", `${start}: 1\r\n\r\n`, 400],
    ["RFC 9112 §5 no colon", `${start}Nothing\r\n\r\n`, 400],
    // Request line
    ["RFC 9112 §3 no version", "GET /\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3 no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3 two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3 tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3 space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3 leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3.1 method that is no token", "G{T / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §2.3 small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §2.3 version of two digits", "GET / HTTP/1.11\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §2.3 version without digits", "GET / HTTP/x.y\r\nHost: a\r\n\r\n", 400],
    ["RFC 9110 §15.6.6 HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
    ["RFC 9110 §15.6.6 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", 505],
    ["RFC 9112 §3.2 space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3.2 fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3.2 octet beyond ASCII", "GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3.2 target that is no form", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3.2.4 asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    [
      "RFC 9110 §4.2.4 user information",
      "GET http://u:p@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
      400,
    ],
    ["RFC 9110 §4.2.1 empty authority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["RFC 9110 §4.2 other scheme", "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400],
    // Host
    ["RFC 9112 §3.2 no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["RFC 9112 §3.2 two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["RFC 9112 §3.2 two equal Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["RFC 9112 §3.2 empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
    ["RFC 9112 §3.2 Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["RFC 9112 §3.2 Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    ["RFC 9112 §3.2 Host with user information", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400],
    ["RFC 9112 §3.2 Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400],
    ["RFC 9112 §3.2 bad Host beside an absolute form", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    // Methods, expectations, limits
    ["RFC 9110 §9.3.8 TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["RFC 9110 §9.3.6 CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405],
    [
      "RFC 9112 §6.1 bad framing comes before a refused method",
      "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
      400,
    ],
    ["RFC 9110 §10.1.1 unknown expectation", `${start}Content-Length: 1\r\nExpect: 200-ok\r\n\r\n`, 417],
    ["RFC 9112 §3 target too long", `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ["RFC 6585 §5 head too large", `${start}X: ${"a".repeat(17_000)}\r\n\r\n`, 431],
    ["RFC 6585 §5 too many fields", `${start}${"X: 1\r\n".repeat(128)}\r\n`, 431],
  ];
  for (const [clause, text, status] of refused) {
    test(`is refused with ${status} when it breaks ${clause}`, () => expect(statusOf(text)).toBe(status));
  }

  test("is refused before it is complete when its target is too long already", () => {
    expect(statusOf(`GET /${"a".repeat(9000)}`)).toBe(414);
  });

  test("may have as many fields as the limit says", () => {
    expect(headOf(`${start}${"X: 1\r\n".repeat(127)}\r\n`).fields).toHaveLength(128);
  });

  test("keeps octets beyond ASCII in a value", () => {
    expect(headOf(`${start}X: \xe9\x80\r\n\r\n`).fields[1]).toBe("X: \xe9\x80");
  });

  test("in absolute form takes its host from the target (RFC 9112 §3.2.2)", () => {
    const { head } = headOf("GET http://B.example:81/x?y HTTP/1.1\r\nHost: a.example\r\n\r\n");
    expect(head).toMatchObject({ host: "B.example:81", hostName: "b.example", target: "/x?y" });
    expect(headOf("GET http://b.example?y HTTP/1.1\r\nHost: a\r\n\r\n").head.target).toBe("/?y");
    expect(headOf("OPTIONS http://b.example HTTP/1.1\r\nHost: a\r\n\r\n").head.target).toBe("*");
  });

  test("may name an IPv6 host, and a host with a final dot", () => {
    expect(headOf("GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n").head.hostName).toBe("[2001:db8::1]");
    expect(headOf("GET / HTTP/1.1\r\nHost: a.example.\r\n\r\n").head.hostName).toBe("a.example");
  });

  test("of HTTP/1.0 needs no Host and never keeps the connection (RFC 9112 §9.3)", () => {
    const { head } = headOf("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(head).toMatchObject({ minor: 0, host: "", keepsAlive: false });
  });

  test("of a later HTTP/1 is read as HTTP/1.1 (RFC 9110 §2.5)", () => {
    expect(headOf("GET / HTTP/1.7\r\nHost: a\r\n\r\n").head.minor).toBe(1);
  });

  test("keeps the connection unless Connection says close, in any of its fields", () => {
    expect(headOf(`${start}\r\n`).head.keepsAlive).toBe(true);
    expect(headOf(`${start}Connection: Close\r\n\r\n`).head.keepsAlive).toBe(false);
    expect(headOf(`${start}Connection: x\r\nConnection: , close\r\n\r\n`).head.keepsAlive).toBe(false);
  });

  test("tells which fields Connection lists", () => {
    expect(headOf(`${start}Connection: keep-alive, X-A\r\nConnection: x-b\r\n\r\n`).head.listed).toEqual([
      "x-a",
      "x-b",
    ]);
  });

  test("with one chunked coding has a chunked body, in any letters", () => {
    expect(headOf(`${start}Transfer-Encoding: Chunked\r\n\r\n`).head.bodyLength).toBe(chunkedBody);
    expect(headOf(`${start}Transfer-Encoding: , chunked\r\n\r\n`).head.bodyLength).toBe(chunkedBody);
  });

  test("expects 100 only with a body and HTTP/1.1", () => {
    expect(headOf(`${start}Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n`).head.expectsContinue).toBe(
      true,
    );
    expect(headOf(`${start}Expect: 100-continue\r\n\r\n`).head.expectsContinue).toBe(false);
    expect(
      headOf("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n").head.expectsContinue,
    ).toBe(false);
  });

  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n`;
  test("asks for a WebSocket only in the way of RFC 6455 §4.1", () => {
    expect(headOf(`${start}${upgrade}\r\n`).head.webSocketKey).toBe(key);
    const without = [
      `POST / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`,
      `GET / HTTP/1.0\r\nHost: a\r\n${upgrade}\r\n`,
      `${start}${upgrade}Content-Length: 3\r\n\r\n`,
      `${start}${upgrade.replace("websocket", "h2c")}\r\n`,
      `${start}${upgrade.replace(key, "short")}\r\n`,
      `${start}${upgrade.replace("Connection: Upgrade\r\n", "")}\r\n`,
    ];
    for (const text of without) expect(headOf(text).head.webSocketKey).toBeNull();
  });

  test("is incomplete until its empty line", () => {
    const text = `${start}X: 1\r\n\r\n`;
    for (let length = 0; length < text.length; length++)
      expect(statusOf(text.slice(0, length))).toBe("incomplete");
  });

  test("reads the same when it is cut at every byte", () => {
    const bytes = Buffer.from(`${start}Connection: x-a\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nabc`, "latin1");
    const whole = readRequest(bytes);
    for (let cut = 0; cut <= bytes.length; cut++) expect(readRequest(bytes, [cut])).toEqual(whole);
    expect(readRequest(bytes, [...bytes.keys()])).toEqual(whole);
  });
});
