import { describe, expect, test } from "bun:test";
import {
  inOrder,
  joinFamilies,
  joinTargets,
  srvRecords,
  type AddressFinding,
} from "../../../../src/director/names/finding.ts";
import type { Outcome } from "../../../../src/director/names/outcome.ts";

const none: Outcome = { kind: "none", reason: "there is no AAAA record", ttlMs: 9_000 };
const failed: Outcome = { kind: "failed", reason: "SERVFAIL" };
const found = (...data: readonly string[]): Outcome => ({ kind: "records", data, ttlMs: 5_000 });

describe("joinFamilies()", () => {
  test("takes the addresses of both, and none in one is no mistake", () => {
    const both = joinFamilies(
      [
        [4, found("192.0.2.1")],
        [6, found("2001:db8::1")],
      ],
      [],
    );
    expect(both).toMatchObject({ addresses: ["192.0.2.1", "2001:db8::1"], complaint: null });
    expect(
      joinFamilies(
        [
          [4, found("192.0.2.1")],
          [6, none],
        ],
        [],
      ),
    ).toMatchObject({
      addresses: ["192.0.2.1"],
      complaint: null,
    });
  });

  test("keeps what is known of a family that cannot be looked up", () => {
    expect(
      joinFamilies(
        [
          [4, found("192.0.2.1")],
          [6, failed],
        ],
        ["192.0.2.9", "2001:db8::9"],
      ),
    ).toEqual({
      kind: "found",
      addresses: ["192.0.2.1", "2001:db8::9"],
      ttlMs: 5_000,
      complaint: "SERVFAIL",
    });
  });

  test("takes no address that is no host's", () => {
    expect(
      joinFamilies(
        [
          [4, found("0.0.0.0", "127.0.0.1")],
          [6, found("ff02::1", "::1")],
        ],
        [],
      ),
    ).toMatchObject({
      addresses: ["127.0.0.1", "::1"],
    });
    expect(
      joinFamilies(
        [
          [4, found("0.0.0.0")],
          [6, found("::")],
        ],
        [],
      ).kind,
    ).toBe("none");
  });

  test("fails if nothing is found and something was not answered", () => {
    expect(
      joinFamilies(
        [
          [4, none],
          [6, failed],
        ],
        [],
      ),
    ).toEqual({ kind: "failed", reason: "SERVFAIL" });
    expect(
      joinFamilies(
        [
          [4, none],
          [6, none],
        ],
        [],
      ),
    ).toEqual({
      kind: "none",
      reason: "there is no AAAA record",
      ttlMs: 9_000,
    });
  });
});

describe("SRV records", () => {
  const data = ["20 1 80 b.example", "10 60 8080 c.example", "10 40 80 a.example", "0 0 0 .", "1 2 3"];
  const records = srvRecords(data);

  test("are in the order of their use, without those that say there is none", () => {
    expect(records.map(({ target }) => target)).toEqual(["a.example", "c.example", "b.example"]);
    expect(srvRecords(["0 0 80 ."])).toEqual([]);
  });

  test("become servers with the addresses of their targets; what cannot be looked up stays", () => {
    const targets = new Map<string, AddressFinding>([
      [
        "a.example",
        { kind: "found", addresses: ["192.0.2.1", "2001:db8::1"], ttlMs: 3_000, complaint: null },
      ],
      ["b.example", { kind: "failed", reason: "SERVFAIL" }],
      ["c.example", { kind: "none", reason: "there is no such name", ttlMs: null }],
    ]);
    const srv = { priority: 30, weight: 1, port: 81, target: "b.example" };
    const finding = joinTargets({ records, ttlMs: 60_000 }, targets, [{ address: "192.0.2.7", srv }]);
    if (finding.kind !== "found") throw new Error("nothing found");
    expect(
      finding.servers.map(({ address, srv: words }) => `${address} ${words?.port} ${words?.weight}`),
    ).toEqual(["192.0.2.1 80 40", "2001:db8::1 80 40", "192.0.2.7 80 1"]);
    expect(finding).toMatchObject({ ttlMs: 3_000, complaint: "c.example: there is no such name" });
  });

  test("fail if no target can be looked up, and are no failure if the service is said to be nowhere", () => {
    expect(joinTargets({ records, ttlMs: 1 }, new Map(), []).kind).toBe("failed");
    expect(joinTargets({ records: [], ttlMs: 1 }, new Map(), [])).toMatchObject({
      kind: "found",
      servers: [],
    });
  });
});

test("servers are in an order that no answer decides", () => {
  const one = ["2001:db8::1", "192.0.2.10", "192.0.2.9"].map((address) => ({ address, srv: null }));
  expect(inOrder(one).map(({ address }) => address)).toEqual(["192.0.2.9", "192.0.2.10", "2001:db8::1"]);
});
