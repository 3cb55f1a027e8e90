import { describe, expect, test } from "bun:test";
import { plainAnswer, type Answer } from "../../../src/proxy/answer.ts";
import { compressor } from "../../../src/proxy/content/compression.ts";
import { compileEncoding } from "../../../src/proxy/content/encoding.ts";
import type { ResponseSink } from "../../../src/proxy/exchange-client.ts";
import { ownAnswerTo, type Finishing } from "../../../src/proxy/own-answer.ts";
import { withLines } from "../../../src/proxy/policy/fields.ts";
import { bodySent } from "../../../src/proxy/response-change.ts";
import { recordingLog } from "../../support/recording-log.ts";
import { requestView } from "../../support/request-view.ts";

const answer = (status: number, fields: string): Answer => ({ status, fields, body: Buffer.alloc(0) });

describe("withLines()", () => {
  test("adds what the answer does not say itself", () => {
    const own = "Content-Type: text/plain\r\nLocation: /a\r\n";
    const lines = "X-A: 1\r\nlocation: /b\r\nX-A: 2\r\n";
    expect(withLines(answer(301, own), lines).fields).toBe(`${own}X-A: 1\r\nX-A: 2\r\n`);
    expect(withLines(answer(200, ""), "Cache-Control: max-age=1\r\n").fields).toBe(
      "Cache-Control: max-age=1\r\n",
    );
  });

  test("puts one Vary beside the other, and has nobody keep an error", () => {
    expect(withLines(answer(200, "Vary: Accept-Encoding\r\n"), "Vary: Origin\r\n").fields).toBe(
      "Vary: Accept-Encoding\r\nVary: Origin\r\n",
    );
    const lines = "Cache-Control: max-age=1\r\nExpires: 0\r\nX-A: 1\r\n";
    expect(withLines(answer(502, ""), lines).fields).toBe("X-A: 1\r\n");
  });

  test("leaves an answer as it is where nothing is to be added", () => {
    const same = answer(200, "");
    expect(withLines(same, "")).toBe(same);
  });
});

describe("ownAnswerTo()", () => {
  const plan = {
    codings: ["gzip" as const],
    types: ["text/plain"],
    minBytes: 10,
    levels: { gzip: 5, br: 4, zstd: 2 },
  };
  const of: Finishing = {
    errorPages: null,
    rules: { removed: null, added: "X-A: 1\r\n" },
    filters: [compressor(compileEncoding(plan))],
  };
  const long: Answer = {
    status: 200,
    fields: 'Content-Type: text/plain\r\nETag: "1"\r\n',
    body: Buffer.from("abc".repeat(500)),
  };

  test("encodes for those who take it, says so to all, and leaves short ones", () => {
    const coded = ownAnswerTo(requestView("GET /", "Accept-Encoding: gzip\r\n"), of, long);
    expect(coded.fields).toBe(
      'Content-Type: text/plain\r\nETag: W/"1"\r\nVary: Accept-Encoding\r\nContent-Encoding: gzip\r\nX-A: 1\r\n',
    );
    expect(Buffer.from(Bun.gunzipSync(Buffer.from(coded.body))).equals(long.body)).toBeTrue();
    const plain = ownAnswerTo(requestView("GET /"), of, long);
    expect(plain).toEqual({ ...long, fields: `${long.fields}Vary: Accept-Encoding\r\nX-A: 1\r\n` });
    const part = requestView("GET /", "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\n");
    expect(ownAnswerTo(part, of, long).body).toBe(long.body);
    const short = { ...long, body: Buffer.from("short") };
    expect(ownAnswerTo(requestView("GET /", "Accept-Encoding: gzip\r\n"), of, short).body).toBe(short.body);
  });

  test("answers 304 with the tag that the client holds", () => {
    const unchanged = answer(304, 'ETag: "1"\r\n');
    const held = requestView("GET /", 'Accept-Encoding: gzip\r\nIf-None-Match: W/"1"\r\n');
    expect(ownAnswerTo(held, of, unchanged).fields).toBe(
      'ETag: W/"1"\r\nVary: Accept-Encoding\r\nX-A: 1\r\n',
    );
    expect(ownAnswerTo(requestView("GET /", 'If-None-Match: "1"\r\n'), of, unchanged).fields).toStartWith(
      'ETag: "1"\r\n',
    );
  });

  test("leaves the usual answer alone where nothing is asked for", () => {
    const usual = plainAnswer(404);
    const nothing: Finishing = { errorPages: null, rules: { removed: null, added: "" }, filters: [] };
    expect(ownAnswerTo(requestView("GET /"), nothing, usual)).toBe(usual);
  });
});

const sink = (sendBody: () => boolean): ResponseSink => ({ sendResponse: () => true, sendBody });

test("bodySent() tells what cannot go on from what the client does not take yet", () => {
  const piece = { bytes: Buffer.from("a"), start: 0, end: 1 };
  const { log, said } = recordingLog();
  expect(
    bodySent(
      sink(() => false),
      piece,
      false,
      log,
    ),
  ).toBeFalse();
  expect(said).toEqual([]);
  const failing = sink(() => {
    throw new Error("gzip cannot encode: Z_MEM_ERROR");
  });
  expect(bodySent(failing, piece, false, log)).toBeNull();
  expect(said.join()).toContain("a response was broken off: Error: gzip cannot encode: Z_MEM_ERROR");
});
