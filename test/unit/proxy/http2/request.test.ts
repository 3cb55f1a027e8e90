import { describe, expect, test } from "bun:test";
import { FieldTable } from "../../../../src/proxy/http1/field-table.ts";
import { isFault } from "../../../../src/proxy/http1/request-head.ts";
import { readHttp2Request } from "../../../../src/proxy/http2/request.ts";

type Pairs = readonly (readonly [name: string, value: string])[];

const pseudo: Pairs = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "a.example"],
  [":path", "/x?y"],
];

const table = new FieldTable(128);

const usual = { startLineBytes: 8_192, headBytes: 16_384, fields: 128 };

function read(pairs: Pairs, isEnd = true, limits = usual): ReturnType<typeof readHttp2Request> {
  const fields = pairs.map(([name, value]) => ({ name, value }));
  return readHttp2Request(fields, table, isEnd, limits);
}

function without(name: string): Pairs {
  return pseudo.filter(([other]) => other !== name);
}

describe("a request in HTTP/2", () => {
  test("reads as the same request in HTTP/1.1", () => {
    const head = read([...pseudo, ["accept", "*/*"], ["x-b", "1"]]);
    expect(head).toMatchObject({ method: "GET", target: "/x?y", host: "a.example", minor: 1, bodyLength: 0 });
    expect(table.text).toBe("GET /x?y HTTP/1.1\r\nHost: a.example\r\naccept: */*\r\nx-b: 1\r\n\r\n");
    expect(table.count).toBe(3);
  });

  test("is refused where HTTP/1.1 would refuse it for its length", () => {
    const status = (pairs: Pairs, limits: Partial<typeof usual>): unknown =>
      read(pairs, true, { ...usual, ...limits });
    const line = "GET /x?y HTTP/1.1".length;
    expect(status(pseudo, { startLineBytes: line })).toMatchObject({ method: "GET" });
    expect(status(pseudo, { startLineBytes: line - 1 })).toMatchObject({ status: 414 });
    const bytes = "GET /x?y HTTP/1.1\r\nHost: a.example\r\n\r\n".length;
    expect(status(pseudo, { headBytes: bytes })).toMatchObject({ method: "GET" });
    expect(status(pseudo, { headBytes: bytes - 1 })).toMatchObject({ status: 431 });
    const two: Pairs = [...pseudo, ["x", "y"], ["cookie", "a=1"], ["cookie", "b=2"]];
    expect(status(two, { fields: 3 })).toMatchObject({ method: "GET" });
    expect(status(two, { fields: 2 })).toMatchObject({ status: 431 });
  });

  test("has one Cookie, put together from its crumbs (RFC 9113 §8.2.3)", () => {
    read([...pseudo, ["cookie", "a=1"], ["x", "y"], ["cookie", "b=2"]]);
    expect(table.text).toEndWith("x: y\r\ncookie: a=1; b=2\r\n\r\n");
  });

  test("has a body of the length it tells, or else of any", () => {
    expect(read(pseudo, false)).toMatchObject({ bodyLength: -1 });
    expect(read([...pseudo, ["content-length", "5"]], false)).toMatchObject({ bodyLength: 5 });
    expect(read([...pseudo, ["content-length", "0"]], true)).toMatchObject({ bodyLength: 0 });
  });

  test("may name its host in either way, if both say the same (RFC 9113 §8.3.1)", () => {
    expect(read([...without(":authority"), ["host", "b"]])).toMatchObject({ host: "b" });
    expect(read([...pseudo, ["host", "A.example"]])).toMatchObject({ host: "a.example" });
    expect(read([...pseudo, ["host", "b"]])).toBeNull();
  });

  const extended: Pairs = [[":method", "CONNECT"], [":protocol", "websocket"], ...pseudo.slice(1)];

  test("for a WebSocket is one for an upgrade of HTTP/1.1 with a key of its own (RFC 8441 §5)", () => {
    const head = read([...extended, ["sec-websocket-version", "13"], ["sec-websocket-key", "x"]], false);
    expect(head).toMatchObject({ method: "GET", target: "/x?y", bodyLength: 0, needsTunnel: true });
    const key = /sec-websocket-key: ([A-Za-z0-9+/]{22}==)\r\n/.exec(table.text)?.[1] ?? "";
    expect(head).toMatchObject({ webSocketKey: key });
    expect(table.text).toBe(
      `GET /x?y HTTP/1.1\r\nHost: a.example\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${key}\r\n\r\n`,
    );
    expect(read([...pseudo, ["sec-websocket-key", "x"]])).toMatchObject({ needsTunnel: false });
  });

  test("may ask for no other protocol and for no plain tunnel", () => {
    const other = extended.map(
      ([name, value]) => [name, name === ":protocol" ? "connect-udp" : value] as const,
    );
    expect(read(other, false)).toMatchObject({ status: 501 });
    expect(
      read(
        [
          [":method", "CONNECT"],
          [":authority", "a.example"],
        ],
        false,
      ),
    ).toMatchObject({ status: 405 });
  });

  const malformed: readonly (readonly [what: string, pairs: Pairs])[] = [
    ["no method", without(":method")],
    ["no scheme", without(":scheme")],
    ["no path", without(":path")],
    ["CONNECT with a path and no protocol", extended.filter(([name]) => name !== ":protocol")],
    ["a WebSocket without a path", extended.filter(([name]) => name !== ":path")],
    ["a WebSocket without a scheme", extended.filter(([name]) => name !== ":scheme")],
    ["a WebSocket without an authority", extended.filter(([name]) => name !== ":authority")],
    ["a WebSocket with a length", [...extended, ["content-length", "0"]]],
    ["a WebSocket that names fields of a connection", [...extended, ["upgrade", "websocket"]]],
    ["a protocol without CONNECT", [...pseudo, [":protocol", "websocket"]]],
    ["a protocol twice", [...extended, [":protocol", "websocket"]]],
    ["an empty path", [...without(":path"), [":path", ""]]],
    ["no host", without(":authority")],
    ["a pseudo field twice", [...pseudo, [":path", "/"]]],
    ["an unknown pseudo field", [...pseudo, [":x", "/"]]],
    ["a pseudo field of responses", [...pseudo, [":status", "200"]]],
    ["a pseudo field behind others", [...without(":path"), ["a", "b"], [":path", "/"]]],
    ["a capital letter in a name", [...pseudo, ["Accept", "*/*"]]],
    ["a space in a name", [...pseudo, ["a b", "1"]]],
    ["an empty name", [...pseudo, ["", "1"]]],
    ["a line end in a value", [...pseudo, ["a", "b\r\nc: d"]]],
    ["NUL in a value", [...pseudo, ["a", "b\0"]]],
    ["white space around a value", [...pseudo, ["a", " b"]]],
    ["a line end in the path", [...without(":path"), [":path", "/ HTTP/1.1\r\nX: "]]],
    ["connection", [...pseudo, ["connection", "close"]]],
    ["transfer-encoding", [...pseudo, ["transfer-encoding", "chunked"]]],
    ["upgrade", [...pseudo, ["upgrade", "websocket"]]],
    ["keep-alive", [...pseudo, ["keep-alive", "1"]]],
    ["te but trailers", [...pseudo, ["te", "gzip"]]],
    ["a length and no body", [...pseudo, ["content-length", "5"]]],
    ["a method that is none", [...without(":method"), [":method", "G T"]]],
  ];
  for (const [what, pairs] of malformed) {
    test(`with ${what} is malformed (RFC 9113 §8.2, §8.3)`, () => expect(read(pairs)).toBeNull());
  }

  const refused: readonly (readonly [what: string, status: number, pairs: Pairs])[] = [
    [
      "CONNECT",
      405,
      [
        [":method", "CONNECT"],
        [":authority", "a:1"],
      ],
    ],
    ["TRACE", 405, [...without(":method"), [":method", "TRACE"]]],
    ["a path with a space", 400, [...without(":path"), [":path", "/a b"]]],
    ["a path without a slash", 400, [...without(":path"), [":path", "x"]]],
    ["two lengths", 400, [...pseudo, ["content-length", "5"], ["content-length", "5"]]],
    ["an unknown expectation", 417, [...pseudo, ["expect", "more"]]],
    ["user information in its host", 400, [...without(":authority"), [":authority", "u@a"]]],
  ];
  for (const [what, status, pairs] of refused) {
    test(`with ${what} gets ${status}`, () => {
      const head = read(pairs, false);
      expect(head !== null && isFault(head) ? head.status : null).toBe(status as 400);
    });
  }
});
