import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { listenTcp } from "../../../../src/kernel/listen.ts";
import { getName, streamCalls, type StreamCalls } from "../../../../src/native/index.ts";
import { fieldNames } from "../../../../src/proxy/http1/field-names.ts";
import { FieldTable } from "../../../../src/proxy/http1/field-table.ts";
import { foundHeads } from "../../../../src/proxy/http1/found-heads.ts";
import { mostFields, type HeadLimits } from "../../../../src/proxy/http1/head-end.ts";
import { InputBuffer } from "../../../../src/proxy/input-buffer.ts";
import {
  headerWords,
  news,
  placeCount,
  rowCountWord,
  rowWords,
} from "../../../../src/proxy/streams/layout.ts";

/** A connection of the addon's own streams, through which heads come as they do in a proxy. */
class Loop {
  private readonly calls: StreamCalls = streamCalls();
  private readonly table = new Int32Array(new ArrayBuffer(4 * (headerWords + 8 * rowWords)));
  private readonly memory = Buffer.allocUnsafeSlow(256 * 1024);
  private readonly places: number[] = [];

  constructor() {
    const fd = listenTcp({ endpoint: { address: "127.0.0.1", port: 0 }, backlog: 4 });
    const name = getName(fd);
    const { calls, memory, places, table } = this;
    calls.openStreams(() => undefined, -1, Buffer.from(`${fieldNames.join("\n")}\n`));
    const nothing = new ArrayBuffer(16);
    const writes = { writes: new Int32Array(nothing), gathered: new Uint8Array(nothing) };
    calls.lendStreams({ table, heads: foundHeads, clients: memory, servers: memory, ...writes });
    places.push(calls.listenStream(fd), calls.connectStream(name));
    while (places.length < 3)
      for (const row of this.turn())
        if (row[2] === news.accepted) places.push((row[1] ?? 0) * placeCount + (row[0] ?? 0));
  }

  /** Sends bytes and gives them as they came, with the place of the head that was found, or 0. */
  send(bytes: Uint8Array): { readonly bytes: Buffer; readonly head: number } {
    const [, near = 0] = this.places;
    this.calls.writeStream(near % placeCount, Math.trunc(near / placeCount), bytes, 0, bytes.length);
    for (;;) {
      const row = this.turn().find((one) => one[2] === news.data);
      if (row === undefined) continue;
      const [, , , , offset = 0, length = 0, head = 0] = row;
      return { bytes: this.memory.subarray(offset, offset + length), head };
    }
  }

  close(): void {
    for (const name of this.places)
      this.calls.closeStream(name % placeCount, Math.trunc(name / placeCount), true);
  }

  private turn(): readonly Int32Array[] {
    const { table } = this;
    for (const at of [0, 4]) table.set([0, 128 * 1024, 128 * 1024, 256 * 1024], at);
    this.calls.turn(1000);
    return Array.from({ length: table[rowCountWord] ?? 0 }, (_, row) =>
      table.subarray(headerWords + row * rowWords, headerWords + (row + 1) * rowWords),
    );
  }
}

/** What there is to be known of the head that bytes begin with. */
function read(bytes: Buffer, head: number, limits: HeadLimits): unknown {
  const input = new InputBuffer();
  const fields = new FieldTable(mostFields);
  input.add(bytes, bytes.length, head);
  const scan = input.findHead(limits);
  if (scan === null) return "more";
  if (scan.fault !== null) return scan.fault;
  const { end, lineCount, start } = scan;
  const firstEnd = scan.lineEnds[0];
  if (lineCount === 0) return { end };
  const fault = fields.read(bytes, scan, true);
  if (fault !== null) return fault;
  const { count, isPlain, lineEnd, nameEnd, nameStart, number, startLineEnd, valueEnd, valueStart } = fields;
  const columns = [nameStart, nameEnd, valueStart, valueEnd, lineEnd, number, isPlain];
  const rows = columns.map((column) => column.subarray(0, count).join(" "));
  return { start, end, lineCount, firstEnd, count, startLineEnd, rows };
}

const wide: HeadLimits = { startLineBytes: 8192, headBytes: 65_536, fields: mostFields };
const names = fc.constantFrom(
  ...fieldNames,
  "X_Forwarded_For",
  "content_length",
  "x-y",
  "A",
  "!#$%&'*+-.^_`|~",
  "x".repeat(40),
);
const cased = fc.tuple(names, fc.boolean()).map(([name, isUpper]) => (isUpper ? name.toUpperCase() : name));
const value = fc.oneof(
  fc.constantFrom("", " ", "a", "b c", "\t", "é", "text/html; charset=utf-8"),
  fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^\u0020-\u007E\u00A0-\u00FF]/g, "_")),
);
const blank = fc.constantFrom(" ", "", "  ", "\t");
const field = fc
  .tuple(cased, blank, value, fc.constantFrom("", "", " "))
  .map(([name, ...rest]) => `${name}:${rest.join("")}\r\n`);
const firstLine = fc.constantFrom(
  "GET / HTTP/1.1\r\n",
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0 404 \r\n",
  "A\r\n",
  "POST /é?\t HTTP/1.1\r\n",
);
const plainHead = fc
  .tuple(firstLine, fc.array(field, { maxLength: 12 }))
  .map(([first, fields]) => `${first}${fields.join("")}\r\n`);
const strange = fc.constantFrom(
  "\r\n",
  "\n",
  "\r",
  "\0",
  "\x7F",
  " x\r\n",
  "x\r\n",
  ":\r\n",
  "x : y\r\n",
  "\x1F",
  "é: y\r\n",
  "body",
);

describe("a head that comes over a stream", () => {
  let loop: Loop;
  beforeAll(() => void (loop = new Loop()));
  afterAll(() => loop.close());

  test("is found if it is plain, whatever comes behind it", () => {
    fc.assert(
      fc.property(
        plainHead,
        fc.constantFrom("", "\r", "body", "GET /second HTTP/1.1\r\n\r\n"),
        (text, rest) => {
          const { bytes, head } = loop.send(Buffer.from(text + rest, "latin1"));
          expect(head).toBeGreaterThan(0);
          expect(read(bytes, head, wide)).toEqual(read(bytes, 0, wide));
          expect(foundHeads[head]).toBe(text.length);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("is said to be what it is said to be without that, however strange it is", () => {
    const anything = fc
      .tuple(plainHead, fc.array(fc.tuple(fc.nat(400), strange), { maxLength: 3 }), fc.nat(600))
      .map(([text, changes, length]) => {
        let changed = text;
        for (const [at, piece] of changes) {
          const from = at % (changed.length + 1);
          changed = changed.slice(0, from) + piece + changed.slice(from + (at % 3));
        }
        return Buffer.from(changed.slice(0, Math.max(1, length)), "latin1");
      });
    fc.assert(
      fc.property(anything, (sent) => {
        const { bytes, head } = loop.send(sent);
        expect(read(bytes, head, wide)).toEqual(read(bytes, 0, wide));
      }),
      { numRuns: 10_000 },
    );
  });

  test("is held to the limits of its listener", () => {
    const limits = fc.record({ startLineBytes: fc.nat(30), headBytes: fc.nat(300), fields: fc.nat(12) });
    fc.assert(
      fc.property(plainHead, limits, (text, least) => {
        const { bytes, head } = loop.send(Buffer.from(text, "latin1"));
        expect(read(bytes, head, least)).toEqual(read(bytes, 0, least));
      }),
      { numRuns: 3000 },
    );
  });

  test("is not taken for another that stands behind it, or was kept for a later turn", () => {
    const { bytes, head } = loop.send(Buffer.from("GET /1 HTTP/1.1\r\nA: b\r\n\r\nGET /22 HTTP/1.1\r\n\r\n"));
    const input = new InputBuffer();
    input.add(Buffer.from(bytes), bytes.length, head);
    const first = input.findHead(wide)?.end ?? 0;
    expect(first).toBe(25);
    input.consumeTo(first);
    input.keep();
    loop.send(Buffer.from("GET /333 HTTP/1.1\r\nB: cc\r\nC: d\r\n\r\n"));
    const second = input.findHead(wide);
    expect([(second?.end ?? 0) - (second?.start ?? 0), second?.lineCount]).toEqual([20, 1]);

    const waiting = loop.send(Buffer.from("GET /1 HTTP/1.1\r\nA: b\r\n\r\n"));
    const later = new InputBuffer();
    later.add(Buffer.from(waiting.bytes), waiting.bytes.length, waiting.head);
    later.keep();
    loop.send(Buffer.from("GET /333 HTTP/1.1\r\nB: cc\r\nC: d\r\n\r\n"));
    expect([later.findHead(wide)?.end]).toEqual([25]);
  });
});
