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
