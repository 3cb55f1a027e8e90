import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { BodyReader } from "../../../../src/proxy/http1/body-reader.ts";
import { FieldTable } from "../../../../src/proxy/http1/field-table.ts";
import type { HeadScan } from "../../../../src/proxy/http1/head-end.ts";
import { isFault, readRequestHead } from "../../../../src/proxy/http1/request-head.ts";
import { readResponseHead } from "../../../../src/proxy/http1/response-head.ts";
import { InputBuffer } from "../../../../src/proxy/input-buffer.ts";

/** What a reader makes of a head: how long its body is, or a fault. */
type ReadHead = (bytes: Buffer, scan: HeadScan) => number | string;

const limits = { startLineBytes: 8192, headBytes: 16_384, fields: 128 };
const fields = new FieldTable(limits.fields);

function readRequest(bytes: Buffer, scan: HeadScan): number | string {
  const head = readRequestHead(bytes, scan, fields);
  return isFault(head) ? `${head.status} ${head.reason}` : head.bodyLength;
}

function readResponse(bytes: Buffer, scan: HeadScan): number | string {
  const head = readResponseHead(bytes, scan, fields, "GET");
  return typeof head === "string" ? head : head.bodyLength;
}

/** Reads messages one after another from bytes that arrive in pieces, as connections do; the log of it has no trace of the pieces. */
function readConnection(bytes: Buffer, cuts: readonly number[], readHead: ReadHead): readonly string[] {
  const log: string[] = [];
  const input = new InputBuffer();
  const body = new BodyReader();
  let payload = "";
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const piece = Buffer.from(bytes.subarray(from, to));
    from = to;
    if (piece.length === 0) continue;
    input.add(piece);
    while (input.bytes !== null) {
      if (!body.isDone) {
        const next = body.take(input.bytes, input.start, input.end);
        expect(next).toBeWithin(input.start, input.end + 1);
        expect(body.payloadEnd).toBeWithin(body.payloadStart, next + 1);
        payload += input.bytes.toString("latin1", body.payloadStart, body.payloadEnd);
        input.consumeTo(next);
        if (body.isFaulty) return [...log, "fault in a body"]; // how much of it came before is no matter
        if (!body.isDone) break;
        log.push(`body ${payload} with ${body.trailers}`);
        payload = "";
        continue;
      }
      const scan = input.findHead(limits);
      if (scan === null) break;
      if (scan.fault !== null) return [...log, scan.fault];
      const text = input.bytes.toString("latin1", input.start, scan.end);
      const length = readHead(input.bytes, scan);
      if (typeof length === "string") return [...log, length];
      log.push(text);
      input.consumeTo(scan.end);
      body.begin(length);
      payload = "";
    }
  }
  return [...log, body.isDone ? `rest of ${input.length}` : `half a body ${payload}`];
}

const chunks = fc
  .array(
    fc.constantFrom(
      "1\r\nx\r\n",
      "3;e=f\r\nabc\r\n",
      "a\r\n0\r\n\r\nGET /\r\n",
      "00010\r\n0123456789abcdef\r\n",
    ),
  )
  .map((parts) => `${parts.join("")}0\r\n`);
const bodies = fc.oneof(
  fc.constant("Content-Length: 0\r\n\r\n"),
  fc
    .string({ unit: "binary-ascii", maxLength: 40 })
    .map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`),
  fc
    .tuple(chunks, fc.constantFrom("", "X-Sum: 1\r\n", "A:\r\nB: c d\r\n"))
    .map(([text, trailers]) => `Transfer-Encoding: chunked\r\n\r\n${text}${trailers}\r\n`),
);
const requestStarts = fc.constantFrom(
  "POST /a HTTP/1.1\r\nHost: a\r\n",
  "PUT / HTTP/1.1\r\nX: y\r\nHost: b\r\n",
);
const responseStarts = fc.constantFrom(
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 404 \r\nServer: x\r\n",
  "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n",
);
const changes = fc.array(
  fc.tuple(fc.nat(2000), fc.constantFrom("\r", "\n", "\0", ":", "0", "f", " ", ";", "")),
  {
    maxLength: 2,
  },
);

function pipelines(starts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const message = fc.tuple(starts, bodies).map(([start, body]) => start + body);
  return fc.array(message, { minLength: 1, maxLength: 5 }).map((messages) => messages.join(""));
}

function changed(text: string, places: readonly (readonly [number, string])[]): string {
  return places.reduce((before, [place, octet]) => {
    const at = place % before.length;
    return before.slice(0, at) + octet + before.slice(at + 1);
  }, text);
}

describe.each([
  ["requests", requestStarts, readRequest],
  ["responses", responseStarts, readResponse],
] as const)("a connection with %s", (_what, starts, readHead) => {
  test("reads the same however its bytes are cut, whole or broken", () => {
    const cuts = fc.array(fc.nat(2000), { maxLength: 30 });
    fc.assert(
      fc.property(pipelines(starts), changes, cuts, (pipeline, places, wanted) => {
        const bytes = Buffer.from(changed(pipeline, places), "latin1");
        const whole = readConnection(bytes, [], readHead);
        const sorted = wanted.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b);
        expect(readConnection(bytes, sorted, readHead)).toEqual(whole);
        expect(readConnection(bytes, [...bytes.keys()], readHead)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test("reads each message that is well formed, and leaves nothing", () => {
    fc.assert(
      fc.property(pipelines(starts), (pipeline) => {
        expect(readConnection(Buffer.from(pipeline, "latin1"), [], readHead).at(-1)).toBe("rest of 0");
      }),
      { numRuns: 200 },
    );
  });
});
