import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { outcomeOf } from "../../../../src/director/names/outcome.ts";
import {
  readReply,
  writeQuestion,
  type DnsAnswer,
  type DnsReply,
} from "../../../../src/health/dns/message.ts";

function reply(more: Partial<DnsReply>): DnsReply {
  return { rcode: "NOERROR", isTruncated: false, answers: [], negativeTtlS: null, ...more };
}

function record(name: string, type: string, data: string, ttlS = 60): DnsAnswer {
  return { name, type, ttlS, data };
}

describe("outcomeOf()", () => {
  test("gives each record once, with the shortest life", () => {
    const answers = [record("a.example", "A", "192.0.2.1"), record("a.example", "A", "192.0.2.2", 30)];
    const more = [record("a.example", "A", "192.0.2.1"), record("other.example", "A", "192.0.2.9", 1)];
    expect(outcomeOf(reply({ answers: [...answers, ...more] }), "a.example", "A")).toEqual({
      kind: "records",
      data: ["192.0.2.1", "192.0.2.2"],
      ttlMs: 30_000,
    });
  });

  test("follows aliases, whose lives count as well", () => {
    const answers = [
      record("b.example", "CNAME", "c.example", 5),
      record("c.example", "A", "192.0.2.1", 60),
      record("a.example", "CNAME", "b.example", 600),
    ];
    expect(outcomeOf(reply({ answers }), "a.example", "A")).toEqual({
      kind: "records",
      data: ["192.0.2.1"],
      ttlMs: 5_000,
    });
  });

  test("finds nothing behind an alias that leads nowhere, or to itself", () => {
    const alias = record("a.example", "CNAME", "b.example");
    const none = outcomeOf(reply({ answers: [alias], negativeTtlS: 7 }), "a.example", "A");
    expect(none).toEqual({ kind: "none", reason: "there is no A record of b.example", ttlMs: 7_000 });
    const circle = outcomeOf(
      reply({ answers: [alias, record("b.example", "CNAME", "a.example")] }),
      "a.example",
      "A",
    );
    expect(circle).toEqual({ kind: "failed", reason: "its aliases go round in a circle" });
  });

  test("tells a name that is not there from a server that does not know", () => {
    expect(outcomeOf(reply({ rcode: "NXDOMAIN", negativeTtlS: 60 }), "a.example", "A")).toEqual({
      kind: "none",
      reason: "there is no such name",
      ttlMs: 60_000,
    });
    expect(outcomeOf(reply({ rcode: "SERVFAIL" }), "a.example", "A")).toEqual({
      kind: "failed",
      reason: "SERVFAIL",
    });
    expect(outcomeOf(reply({}), "a.example", "AAAA").kind).toBe("none");
  });

  test("makes something of every reply that can be read", () => {
    const question = writeQuestion({ name: "a.example", record: "A", recursion: true }, 0x1234);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 40 }), (bytes, count) => {
        const head = Uint8Array.from(question);
        head[2] = 0x81;
        head[7] = count;
        let read: DnsReply | null = null;
        try {
          read = readReply(new Uint8Array([...head, ...bytes]), question);
        } catch {
          return;
        }
        if (read === null) return;
        const outcome = outcomeOf(read, "a.example", "A");
        if (outcome.kind !== "records") return;
        expect(outcome.ttlMs).toBeWithin(0, 2 ** 31 * 1000);
        for (const address of outcome.data) expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
