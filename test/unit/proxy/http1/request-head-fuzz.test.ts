import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { readRequest, type Outcome } from "./read-request.ts";

const pieces = fc.constantFrom(
  "GET / HTTP/1.1\r\n",
  "POST /a?b HTTP/1.0\r\n",
  "Host: a.example\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close, x\r\n",
  "X: 1\n",
  "X : 1\r\n",
  " fold\r\n",
  "\r\n",
  "\r",
  "\0",
  "é",
  "Upgrade: websocket\r\n",
);
const requests = fc
  .array(pieces, { minLength: 1, maxLength: 12 })
  .map((parts) => Buffer.from(parts.join(""), "latin1"));

function summary(outcome: Outcome): unknown {
  return outcome.kind === "head" ? { ...outcome, kind: "head" } : outcome;
}

test("a head reads the same however its bytes are cut", () => {
  fc.assert(
    fc.property(requests, fc.array(fc.nat(200), { maxLength: 20 }), (bytes, places) => {
      const cuts = places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b);
      expect(summary(readRequest(bytes, cuts))).toEqual(summary(readRequest(bytes)));
    }),
    { numRuns: 2000 },
  );
});

test("a head with any bytes changed is a head, a fault or incomplete, and nothing else", () => {
  const valid = Buffer.from(
    "POST /a HTTP/1.1\r\nHost: a.example:80\r\nConnection: x\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(valid);
      for (const [at, octet] of changes) bytes[at] = octet;
      const outcome = readRequest(bytes);
      if (outcome.kind === "fault") expect([400, 405, 414, 417, 431, 501, 505]).toContain(outcome.status);
      if (outcome.kind === "head") expect(outcome.fields.join("\n")).not.toMatch(/[\r\0]/);
    }),
    { numRuns: 5000 },
  );
});

test("any bytes at all are read without an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      readRequest(bytes);
    }),
    { numRuns: 2000 },
  );
});
