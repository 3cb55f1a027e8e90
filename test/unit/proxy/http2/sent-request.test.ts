import { expect, test } from "bun:test";
import { SentRequest } from "../../../../src/proxy/http2/sent-request.ts";

function piece(length: number, isFree = false): Parameters<SentRequest["add"]>[0] {
  return { bytes: Buffer.alloc(length), start: 0, end: length, isFree };
}

test("a request can be sent again with a body of 64 KiB, and not with a longer one, of which nothing is kept", () => {
  const sent = new SentRequest("PUT / HTTP/1.1\r\n\r\n");
  expect([sent.isWhole, sent.isLast]).toEqual([true, false]);
  sent.add(piece(65_000), false);
  sent.add(piece(0), false);
  sent.add(piece(536), true);
  expect([sent.isWhole, sent.isLast, sent.pieces.length]).toEqual([true, true, 2]);
  sent.add(piece(1), true);
  expect([sent.isWhole, sent.pieces.length]).toEqual([false, 0]);
});

test("a request cannot be sent again whose bytes may be given back before", () => {
  const sent = new SentRequest("PUT / HTTP/1.1\r\n\r\n");
  sent.add(piece(10, true), true);
  expect([sent.isWhole, sent.pieces.length]).toEqual([false, 0]);
});

test("a piece of what was read at once does not keep all of that", () => {
  const read = Buffer.from(new ArrayBuffer(512 * 1024)).fill("x");
  read.write("hello", 1000);
  const sent = new SentRequest("PUT / HTTP/1.1\r\n\r\n");
  sent.add({ bytes: read, start: 1000, end: 1005 }, false);
  sent.add({ bytes: read, start: 2000, end: 42_000 }, true);
  expect(sent.pieces.map(({ bytes, end, start }) => bytes.toString("latin1", start, end))).toEqual([
    "hello",
    "x".repeat(40_000),
  ]);
  for (const { bytes, end, start } of sent.pieces)
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Math.max(8192, 2 * (end - start)));
});
