import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { startedPair } from "./vrrp-pair.ts";

const neighbours = [{ node: "beta", priority: 100, address: "192.0.2.11" }];

function plan(priority: number, wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ priority, advertIntervalMs: 100, neighbours, ...wish })]);
}

describe("two active routers", () => {
  test("find each other when their advertisements are lost, and say when it is over", () => {
    const { clock, segment, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(2000);
    expect([lb1.status().splitBrain, lb2.status().splitBrain]).toEqual([null, null]);
    segment.loss = 1;
    clock.advance(5000);
    for (const node of [lb1, lb2]) {
      expect(node.status()).toMatchObject({ state: "active", splitBrain: { cause: "filtered" } });
      expect(node.status().counters["splitBrains"]).toBe(1);
      expect(node.log.filter((line) => line.includes("split brain"))).toHaveLength(1);
    }
    segment.loss = 0;
    clock.advance(6000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    for (const node of [lb1, lb2]) {
      expect(node.status().splitBrain).toBeNull();
      expect(node.log.at(-1) ?? "").toMatch(/split brain is over after|active → backup/);
      expect(node.log.some((line) => line.includes("public-1: split brain is over after"))).toBe(true);
    }
  });

  test("name the interval in version 2", () => {
    const second = plan(100, { version: 2, advertIntervalMs: 2000 });
    const { clock, lb1, lb2 } = startedPair([plan(200, { version: 2, advertIntervalMs: 1000 }), second]);
    clock.advance(60_000);
    for (const node of [lb1, lb2]) expect(node.status().splitBrain?.cause).toBe("interval");
    expect(lb1.status().splitBrain?.rival).toMatchObject({
      node: "beta",
      address: "192.0.2.11",
    });
  });

  test("name the keys on both sides when only one of them signs", () => {
    const hmac = {
      keys: [{ id: 1, hex: "00".repeat(32) }],
      activeKey: 1,
      timeWindowMs: null,
      mode: "enforce",
    } as const;
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100, { hmac })]);
    clock.advance(10_000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "active"]);
    for (const node of [lb1, lb2]) expect(node.status().splitBrain?.cause).toBe("authentication");
  });

  test("are no split brain when one takes over from the other", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    for (let round = 0; round < 5; round++) {
      clock.advance(1500);
      lb1.kill();
      clock.advance(1500);
      lb1.start(["public-1"]);
    }
    clock.advance(1500);
    for (const node of [lb1, lb2]) expect(node.log.join("\n")).not.toContain("split brain");
  });
});
