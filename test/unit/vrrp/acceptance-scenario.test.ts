import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { fakeCluster, startedPair, type FakeRouterMachine } from "./vrrp-pair.ts";

const table = "edge-ha-accept";
const vipKey = "c0000264";

function plan(priority: number, wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ priority, accepts: false, ...wish })]);
}

function keys(node: FakeRouterMachine, set = "ipv4"): readonly string[] {
  return node.machine.packetFilter.keys(table, set);
}

describe("a router with accept = false", () => {
  test("keeps packets away from its addresses for as long as it holds them", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    expect(keys(lb1)).toEqual([]);
    clock.advance(5000);
    expect([keys(lb1), keys(lb2)]).toEqual([[vipKey], []]);
    lb1.machine.setCarrier("eth0", false);
    clock.advance(5000);
    expect([keys(lb1), keys(lb2)]).toEqual([[], [vipKey]]);
    lb2.stop();
    clock.advance(5000);
    expect(lb2.machine.packetFilter.tables.size).toBe(0);
  });

  test("has a link-local address kept away on its interface alone", () => {
    const { clock, lb1 } = startedPair([
      plan(200, { vip: "2001:db8::100" }),
      plan(100, { vip: "2001:db8::100" }),
    ]);
    clock.advance(5000);
    expect(keys(lb1, "ipv6")).toEqual(["20010db8000000000000000000000100"]);
    expect(keys(lb1, "link-local")[0]).toStartWith("02000000fe80");
  });

  test("puts its rules back when somebody flushes them, and says so", () => {
    const { clock, lb1 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    lb1.machine.packetFilter.flush();
    clock.advance(6);
    expect(keys(lb1)).toEqual([vipKey]);
    expect(lb1.log.at(-1)).toBe("accept = false: somebody removed its rules; they are back");
  });

  test("is taken over by the next process with its addresses, and swept without it", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    lb1.kill();
    expect(keys(lb1)).toEqual([vipKey]);
    lb1.start(["public-1"]);
    expect(keys(lb1)).toEqual([vipKey]);
    lb1.kill();
    clock.advance(5000);
    lb1.start();
    expect([keys(lb1), keys(lb2)]).toEqual([[], [vipKey]]);
  });

  test("follows a reload in both directions, and leaves no table behind", () => {
    const { clock, lb1 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    lb1.node.configure(plan(200, { accepts: true }), []);
    expect(lb1.machine.packetFilter.tables.size).toBe(0);
    lb1.node.configure(plan(200), []);
    expect(keys(lb1)).toEqual([vipKey]);
  });

  test("is refused where the kernel has no packet filter, before anything has changed", () => {
    const [lb1] = fakeCluster([plan(200, { accepts: true })]).machines;
    if (lb1 === undefined) throw new Error("one machine was asked for");
    lb1.start();
    lb1.machine.packetFilter.isThere = false;
    expect(() => lb1.node.configure(plan(200), [])).toThrow(
      "public-1: accept = false needs the kernel's packet filter: nf_tables: EPROTONOSUPPORT; load the kernel module nf_tables, or write accept = true",
    );
  });
});
