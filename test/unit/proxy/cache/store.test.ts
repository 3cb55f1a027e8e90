import { describe, expect, test } from "bun:test";
import { CacheStore } from "../../../../src/proxy/cache/cache-store.ts";
import { askingHead, cachedRequest } from "../../../../src/proxy/cache/cached-request.ts";
import { Flights } from "../../../../src/proxy/cache/flights.ts";
import { fromStore, wantedBy, type FromStore } from "../../../../src/proxy/cache/from-store.ts";
import {
  freshened,
  storedResponse,
  type Origin,
  type StoredResponse,
} from "../../../../src/proxy/cache/stored-response.ts";
import type { FieldLine } from "../../../../src/proxy/http1/field-lines.ts";
import { requestView } from "../../../support/request-view.ts";
import { minuteCache as plan } from "../../../support/cache-plans.ts";

function entry(
  path: string,
  lines: readonly FieldLine[] = [],
  request: Readonly<Record<string, string>> = {},
  body = "0123456789",
): StoredResponse {
  const origin: Origin = {
    url: `http://a${path}`,
    upstream: "apps",
    plan,
    request: (name) => request[name] ?? null,
    age: null,
    delayMs: 0,
    now: 1000,
    unixMs: 0,
  };
  return storedResponse("HTTP/1.1 200 OK", lines, Buffer.from(body), origin);
}

const accepting = (text: string) => (name: string) => (name === "accept-encoding" ? text : null);
const nothing = (): null => null;

describe("the store", () => {
  test("keeps what was used last within its bound", () => {
    const store = new CacheStore();
    const [a, b, c] = [entry("/a"), entry("/b"), entry("/c")];
    store.setMost(a.cost * 2 + 100);
    store.put(a);
    store.put(b);
    expect(store.find("http://a/a", "apps", nothing)).toBe(a);
    store.put(c);
    expect(store.find("http://a/b", "apps", nothing)).toBeNull();
    expect(store.find("http://a/a", "apps", nothing)).toBe(a);
    expect(store.bytes).toBe(a.cost + c.cost);
    store.setMost(0);
    expect(store.bytes).toBe(0);
    store.put(a);
    expect(store.find("http://a/a", "apps", nothing)).toBeNull();
  });

  test("has one response for all ways to write the same codings, and no other", () => {
    const store = new CacheStore();
    store.setMost(1e6);
    const kept = entry("/", [["Vary", "Accept-Encoding"]], { "accept-encoding": "gzip, BR,zstd;q=0.5" });
    store.put(kept);
    for (const same of ["gzip, BR,zstd;q=0.5", "br , gzip;q=1.0, zstd;q=0.5,", "zstd; q=0.5, br;q=1, gzip"])
      expect(store.find("http://a/", "apps", accepting(same))).toBe(kept);
    for (const other of ["gzip, br", "gzip, br, zstd", "gzip;q=0, br, zstd;q=0.5", ""])
      expect(store.find("http://a/", "apps", accepting(other))).toBeNull();
    expect(store.find("http://a/", "apps", nothing)).toBeNull();
    store.put(entry("/", [["Vary", "Accept-Encoding"]], { "accept-encoding": "br,gzip,zstd;q=0.5" }));
    expect(store.bytes).toBeLessThan(2 * kept.cost);
  });

  test("has one response for each value of what Vary names (RFC 9111 §4.1)", () => {
    const store = new CacheStore();
    store.setMost(1e6);
    const english = entry("/", [["Vary", "Accept-Language"]], { "accept-language": "en" });
    const other = entry("/", [["Vary", "Accept-Language"]]);
    store.put(english);
    store.put(other);
    expect(store.find("http://a/", "apps", (name) => (name === "accept-language" ? "en" : null))).toBe(
      english,
    );
    expect(store.find("http://a/", "apps", nothing)).toBe(other);
    expect(store.find("http://a/", "apps", () => "de")).toBeNull();
    expect(store.find("http://a/", "others", nothing)).toBeNull();
    const newer = entry("/", [["Vary", "Accept-Language"]], { "accept-language": "en" });
    store.put(newer);
    expect(store.bytes).toBe(newer.cost + other.cost);
    for (let count = 0; count < 40; count++) store.put(entry("/", [["Vary", "X"]], { x: String(count) }));
    expect(store.bytes).toBeLessThan(17 * other.cost);
  });

  test("is emptied by URL, by what begins alike, and as a whole", () => {
    const store = new CacheStore();
    store.setMost(1e6);
    for (const path of ["/a", "/a/1", "/a/2", "/b*"]) store.put(entry(path));
    expect(store.purge("http://a/a", 0)).toBe(1);
    expect(store.purge("a/a/*", 0)).toBe(2);
    store.removeUrl("http://a/b", 0);
    expect(store.purge("https://a/b*", 0)).toBe(0);
    expect(store.purge("*", 0)).toBe(1);
    expect(store.bytes).toBe(0);
  });

  test("takes from a 304 what is new, and keeps what speaks of the body (RFC 9111 §3.2, §4.3.4)", () => {
    const old = entry("/", [
      ["ETag", '"1"'],
      ["X-One", "old"],
      ["X-One", "older"],
      ["Content-Type", "text/html"],
    ]);
    const lines: FieldLine[] = [
      ["x-one", "new"],
      ["Content-Type", "text/wrong"],
      ["Cache-Control", "max-age=7"],
    ];
    const origin: Origin = {
      url: old.url,
      upstream: "apps",
      plan,
      request: nothing,
      age: "2",
      delayMs: 0,
      now: 9000,
      unixMs: 0,
    };
    const fresh = freshened(old, lines, origin);
    expect(fresh.lines).toEqual([
      ["ETag", '"1"'],
      ["Content-Type", "text/html"],
      ["x-one", "new"],
      ["Cache-Control", "max-age=7"],
    ]);
    expect(fresh.body).toBe(old.body);
    expect(fresh.lifetime.freshMs).toBe(7000);
    expect(fresh.bornAt).toBe(7000);
  });
});

describe("an answer from the store", () => {
  const lines: FieldLine[] = [
    ["ETag", '"v1"'],
    ["Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ["Content-Type", "text/plain"],
    ["X-Y", "z"],
  ];
  const answer = (requestLines: string, method = "GET"): FromStore =>
    fromStore(entry("/", lines), wantedBy(requestView(`${method} /`, requestLines)));
  const shown = (requestLines: string, method = "GET"): string => {
    const { fields, head, piece } = answer(requestLines, method);
    return `${head.status} ${piece.bytes.subarray(piece.start, piece.end).toString()} ${/Content-Range: (.*)\r/.exec(fields.text)?.[1] ?? ""}`.trim();
  };

  test("is the whole, to HEAD without its body (RFC 9110 §9.3.2)", () => {
    expect(shown("")).toBe("200 0123456789");
    expect(shown("", "HEAD")).toBe("200");
    expect(answer("", "HEAD").fields.text).toContain("Content-Length: 10\r\n");
  });

  test("is 304 to a client that has it (RFC 9111 §4.3.2, RFC 9110 §15.4.5)", () => {
    expect(shown('If-None-Match: W/"v1"\r\n')).toBe("304");
    expect(shown('If-None-Match: "v2"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n')).toBe(
      "200 0123456789",
    );
    expect(shown("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n")).toBe("304");
    const { text } = answer("If-None-Match: *\r\n").fields;
    expect(text).toContain('ETag: "v1"\r\n');
    expect(text).not.toContain("X-Y");
  });

  test("is the part that was asked for, if it is one (RFC 9110 §14)", () => {
    expect(shown("Range: bytes=2-4\r\n")).toBe("206 234 bytes 2-4/10");
    expect(shown("Range: bytes=7-\r\n")).toBe("206 789 bytes 7-9/10");
    expect(shown("Range: bytes=-2\r\n")).toBe("206 89 bytes 8-9/10");
    expect(shown("Range: bytes=0-99\r\n")).toBe("206 0123456789 bytes 0-9/10");
    expect(shown("Range: bytes=10-\r\n")).toBe("416  bytes */10");
    expect(shown("Range: bytes=-0\r\n")).toBe("416  bytes */10");
    for (const range of ["bytes=4-2", "bytes=0-1,3-4", "lines=0-1", "bytes=-"])
      expect(shown(`Range: ${range}\r\n`)).toBe("200 0123456789");
    expect(shown("Range: bytes=0-1\r\n", "HEAD")).toBe("200");
  });

  test("is a part only of the version that If-Range names (RFC 9110 §13.1.5)", () => {
    expect(shown('Range: bytes=0-0\r\nIf-Range: "v1"\r\n')).toStartWith("206");
    expect(shown('Range: bytes=0-0\r\nIf-Range: W/"v1"\r\n')).toStartWith("200");
    expect(shown("Range: bytes=0-0\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n")).toStartWith("206");
    expect(shown("Range: bytes=0-0\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n")).toStartWith("200");
  });
});

describe("a request", () => {
  test("is for the cache if it is GET or HEAD, and not for the origin to judge", () => {
    expect(cachedRequest(requestView("GET /x?y"))?.url).toBe("http://a/x?y");
    expect(cachedRequest(requestView("POST /"))).toBeNull();
    for (const line of ["Cache-Control: no-store", 'If-Match: "x"', "If-Unmodified-Since: x"])
      expect(cachedRequest(requestView("GET /", `${line}\r\n`)), line).toBeNull();
  });

  test("asks the server for the whole, or for what is newer (RFC 9111 §4.3.1)", () => {
    const head =
      "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: x\r\nRANGE: y\r\nX: Range: z\r\nIf-Range: q\r\n\r\n";
    expect(askingHead(head, null)).toBe("GET / HTTP/1.1\r\nHost: a\r\nX: Range: z\r\n\r\n");
    expect(askingHead(head, { etag: '"e"', lastModified: "d" })).toBe(
      'GET / HTTP/1.1\r\nHost: a\r\nX: Range: z\r\nIf-None-Match: "e"\r\nIf-Modified-Since: d\r\n\r\n',
    );
  });
});

test("those who wait look again when the one who asks is done, and do not wait for what is of no use", () => {
  const flights = new Flights();
  const woken: string[] = [];
  flights.begin("k");
  const [a, b] = ["a", "b"].map((name) => ({ wake: () => void woken.push(name) }));
  if (a === undefined || b === undefined) throw new Error("unreachable");
  flights.join("k", a);
  flights.join("k", b);
  flights.leave("k", a);
  flights.end("k", "of no use", 0);
  expect(woken).toEqual(["b"]);
  expect(flights.has("k")).toBe(false);
  expect(flights.isApart("k", 9_999)).toBe(true);
  expect(flights.isApart("k", 10_000)).toBe(false);
});
