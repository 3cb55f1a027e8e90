import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Answer, headLimitBytes } from "../../../../src/health/http/answer.ts";

interface Read {
  readonly status: number | null;
  readonly isComplete: boolean;
  readonly body: string;
}

/** Feeds an answer in pieces and ends the connection if it is not complete by then. */
function read(pieces: readonly string[], options: { isHead?: boolean; ends?: boolean } = {}): Read {
  const body: Uint8Array[] = [];
  const answer = new Answer({ isHead: options.isHead ?? false, onBody: (bytes) => body.push(bytes.slice()) });
  for (const piece of pieces) answer.feed(Buffer.from(piece, "latin1"));
  if (options.ends === true) answer.end();
  return {
    status: answer.status,
    isComplete: answer.isComplete,
    body: Buffer.concat(body).toString("latin1"),
  };
}

const chunked =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n";

describe("an answer", () => {
  test.each([
    ["a counted body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, true, "hello"],
    ["what follows it", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello", 200, true, "he"],
    ["a chunked body", chunked, 200, true, "hello!"],
    ["a body without a length", "HTTP/1.0 404 Not Found\r\n\r\nhello", 404, false, "hello"],
    ["no body after 204", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 204, true, ""],
    ["no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, true, ""],
    ["bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, true, "x"],
    [
      "interim answers",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      200,
      true,
      "x",
    ],
    ["two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", 200, true, "x"],
  ] as const)("with %s is read", (_name, text, ...[status, isComplete, body]) => {
    expect(read([text])).toEqual({ status, isComplete, body });
    // Byte by byte it is the same answer.
    expect(read(Array.from(text))).toEqual({ status, isComplete, body });
  });

  test("to HEAD has no body, whatever its length says", () => {
    expect(read(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], { isHead: true }).isComplete).toBe(true);
  });

  test.each([
    ["no HTTP", "220 mail.example ESMTP\r\n", "begins with something else"],
    ["a flood", "x".repeat(70_000), "begins with something else"],
    ["no number", "HTTP/1.1 OK then\r\n\r\n", "begins with something else"],
    ["HTTP of another world", "HTTP/2.0 200 OK\r\n\r\n", "begins with something else"],
    ["no field", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "is no field"],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "its Content-Length is"],
    [
      "a chunk without a length",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "has no length",
    ],
    [
      "a line without end",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1".repeat(9000)}`,
      "has no length",
    ],
    ["a head without end", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(headLimitBytes)}`, "answer head too large"],
    ["endless interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100), "without end"],
  ])("that is %s is refused", (_name, text, reason) => {
    expect(() => read([text])).toThrow(reason);
    expect(() => read([text.slice(0, 5), text.slice(5, 60), text.slice(60)])).toThrow(reason);
  });

  test.each([
    ["nothing", "", "connection closed without an answer"],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-", "closed before the answer was complete"],
    [
      "half a body",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
      "closed before the answer was complete",
    ],
  ])("that ends after %s is refused", (_name, text, reason) => {
    expect(() => read([text], { ends: true })).toThrow(reason);
  });

  test("without a length is complete when the connection ends", () => {
    expect(read(["HTTP/1.1 200 OK\r\n\r\nhello"], { ends: true }).body).toBe("hello");
  });

  test("is the same however its bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: chunked.length - 1 })), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), chunked.length];
        const pieces = places.slice(1).map((end, index) => chunked.slice(places[index], end));
        expect(read(pieces).body).toBe("hello!");
      }),
    );
  });

  test("never breaks the reader, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
        const answer = new Answer({ isHead: false, onBody: () => undefined });
        try {
          for (const piece of pieces) answer.feed(piece);
        } catch (error) {
          expect((error as Error).name).toBe("AnswerError");
        }
      }),
    );
  });
});
