import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, type FakeRouterMachine, fakeCluster, startedPair } from "./vrrp-pair.ts";

const vip = "192.0.2.100";
const inside = "192.0.3.100";

function plan(priority: number, wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ priority, ...wish })]);
}

function settledPair(
  first: VrrpPlan,
  second: VrrpPlan,
): FakeCluster & { readonly lb1: FakeRouterMachine; readonly lb2: FakeRouterMachine } {
  const pair = startedPair([first, second]);
  pair.clock.advance(5000);
  expect(pair.lb1.machine.holds(vip)).toBe(true);
  return pair;
}

/** Goes on in small steps for as long as a machine holds an address; gives the milliseconds. */
function holdsFor({ clock }: FakeCluster, node: FakeRouterMachine, address = vip): number {
  let ms = 0;
  for (; node.machine.holds(address) && ms < 10_000; ms += 0.5) clock.advance(0.5);
  return ms;
}

describe("a planned stop", () => {
  test("leaves the address in place until the other node has taken over", () => {
    const pair = settledPair(plan(200), plan(100));
    pair.lb1.stop();
    pair.clock.advance(608);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([true, false]);
    pair.clock.advance(8);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([false, true]);
    expect(pair.lb1.isUp).toBe(false);
    expect(pair.lb1.log.slice(-2)).toEqual([
      "public-1: active → leaving: stopped",
      "public-1: leaving → initialize: stopped; 192.0.2.11 took over",
    ]);
  });

  test("sends priority 0 once and nothing after it", () => {
    const { clock, segment, lb1 } = settledPair(plan(200), plan(100));
    const before = segment.sent.length;
    lb1.stop();
    clock.advance(500);
    // Version 3: the third byte is the priority.
    expect(segment.sent.slice(before).map(({ payload }) => payload[2])).toEqual([0]);
  });

  test("ends without a peer after skew and interval, with the address gone", () => {
    const cluster = fakeCluster([plan(200)]);
    const [lb1] = cluster.machines;
    if (lb1 === undefined) throw new Error("one machine was asked for");
    lb1.start();
    cluster.clock.advance(5000);
    lb1.stop();
    expect(holdsFor(cluster, lb1)).toBe(1996.5);
    expect(lb1.isUp).toBe(false);
  });

  test("ends at once when nothing is held", () => {
    const { lb2 } = settledPair(plan(200), plan(100));
    lb2.stop();
    expect(lb2.isUp).toBe(false);
  });

  test("shows as initialize, so that nobody adopts what is being given up", () => {
    const { clock, lb1 } = settledPair(plan(200), plan(100));
    lb1.stop();
    clock.advance(100);
    expect(lb1.status()).toMatchObject({ state: "initialize", reason: "stopped" });
  });

  test("ends at once when the cable is pulled meanwhile", () => {
    const pair = settledPair(plan(200), plan(100));
    pair.lb1.stop();
    pair.clock.advance(100);
    pair.lb1.machine.setCarrier("eth0", false);
    expect(holdsFor(pair, pair.lb1)).toBeLessThan(1);
    expect(pair.lb1.isUp).toBe(false);
  });

  test("does not announce the address while it leaves: the next one does", () => {
    const { clock, lb1, lb2 } = settledPair(plan(200), plan(100));
    lb2.kill();
    clock.advance(2000);
    const before = lb1.machine.announced.length;
    lb1.stop();
    // The second burst is due 5 s after the takeover, which was 3.2 s after the start.
    clock.advance(1500);
    expect(lb1.machine.holds(vip)).toBe(true);
    expect(lb1.machine.announced.length).toBe(before);
  });
});

function groupPlan(priority: number): VrrpPlan {
  const second = { name: "inside-1", interface: "eth1", vrid: 52, vip: inside, priority };
  const syncGroups = [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }];
  return vrrpPlan([instancePlan({ priority }), instancePlan(second)], { syncGroups });
}

describe("a planned stop of a sync group", () => {
  test("leaves both addresses in place until the other node has taken over on both networks", () => {
    const pair = settledPair(groupPlan(200), groupPlan(100));
    pair.lb1.stop();
    pair.clock.advance(608);
    expect([pair.lb1.machine.holds(vip), pair.lb1.machine.holds(inside)]).toEqual([true, true]);
    pair.clock.advance(8);
    expect([pair.lb1.machine.holds(vip), pair.lb1.machine.holds(inside)]).toEqual([false, false]);
    expect([pair.lb2.machine.holds(vip), pair.lb2.machine.holds(inside)]).toEqual([true, true]);
    expect(pair.lb1.isUp).toBe(false);
  });
});

describe("a reload", () => {
  const other = instancePlan({ name: "public-2", vrid: 52, vip: "192.0.2.101" });

  test("that takes an instance away leaves its address in place until the other node has it", () => {
    const pair = settledPair(plan(200), plan(100));
    pair.lb1.node.configure(vrrpPlan([other]), []);
    pair.clock.advance(608);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([true, false]);
    pair.clock.advance(8);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([false, true]);
    pair.clock.advance(5000);
    expect(pair.lb1.state("public-2")).toBe("active");
  });

  test("that gives the address to another instance does not have it removed under that one later", () => {
    const { clock, lb1 } = settledPair(plan(200), plan(100));
    lb1.node.configure(plan(255, { vrid: 52 }), []);
    expect(lb1.machine.holds(vip)).toBe(true);
    clock.advance(3000);
    expect(lb1.machine.holds(vip)).toBe(true);
  });

  test("that brings the instance back meanwhile starts it afresh", () => {
    const { clock, lb1, lb2 } = settledPair(plan(200), plan(100));
    lb1.node.configure(vrrpPlan([other]), []);
    clock.advance(100);
    lb1.node.configure(plan(200), []);
    expect(lb1.state()).toBe("backup");
    expect(lb1.machine.holds(vip)).toBe(false);
    clock.advance(8000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
  });

  test("that takes an instance away leaves nothing behind when the cable is pulled meanwhile", () => {
    const pair = settledPair(plan(200), plan(100));
    pair.lb1.node.configure(vrrpPlan([other]), []);
    pair.clock.advance(100);
    pair.lb1.machine.setCarrier("eth0", false);
    expect(holdsFor(pair, pair.lb1)).toBeLessThan(1);
  });

  test("is no reason for a stop to wait longer, and the stop waits for what the reload took away", () => {
    const pair = settledPair(plan(200), plan(100));
    pair.lb1.node.configure(vrrpPlan([other]), []);
    pair.clock.advance(100);
    pair.lb1.stop();
    expect(pair.lb1.isUp).toBe(true);
    pair.clock.advance(516);
    expect(pair.lb1.isUp).toBe(false);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([false, true]);
  });

  test("that changes the list of a router about to go to fault removes what is not in it any more", () => {
    const { lb1 } = settledPair(plan(200, { needsProxy: true }), plan(100));
    lb1.node.setProxiesAlive(false);
    lb1.node.configure(plan(200, { needsProxy: true, vip: "192.0.2.101" }), []);
    expect([lb1.machine.holds(vip), lb1.machine.holds("192.0.2.101")]).toEqual([false, false]);
  });
});

describe("a withdrawn claim", () => {
  test("leaves the address in place until the other node has it", () => {
    const pair = settledPair(plan(200, { needsProxy: true }), plan(100));
    pair.lb1.node.setProxiesAlive(false);
    expect(pair.lb1.state()).toBe("fault");
    pair.clock.advance(608);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([true, false]);
    pair.clock.advance(8);
    expect([pair.lb1.machine.holds(vip), pair.lb2.machine.holds(vip)]).toEqual([false, true]);
  });
});

describe("a host that was frozen", () => {
  for (const keepsPackets of [true, false]) {
    const how = keepsPackets ? "finds" : "has lost";

    test(`does not claim beside a node that is alive, when it ${how} the advertisements it missed`, () => {
      const { clock, lb1, lb2 } = settledPair(plan(200), plan(100));
      lb2.machine.freeze(keepsPackets);
      clock.advance(20_300);
      lb2.machine.thaw();
      clock.advance(5000);
      expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
      expect(lb2.status().counters["becameActive"]).toBe(0);
    });
  }

  test("claims after one more interval if the active node has died meanwhile", () => {
    const { clock, lb1, lb2 } = settledPair(plan(200), plan(100));
    lb2.machine.freeze(false);
    lb1.kill();
    clock.advance(20_000);
    lb2.machine.thaw();
    clock.advance(1609);
    expect(lb2.state()).toBe("backup");
    clock.advance(1);
    expect(lb2.state()).toBe("active");
  });

  test("gives way, without Preempt_Mode, to the node that took over, before it says a word", () => {
    const pair = settledPair(plan(200, { preempts: false }), plan(100, { preempts: false }));
    const { clock, lb1, lb2, segment } = pair;
    lb1.machine.freeze(true);
    clock.advance(20_000);
    expect(lb2.state()).toBe("active");
    const before = segment.sent.length;
    lb1.machine.thaw();
    expect(lb1.status()).toMatchObject({
      state: "backup",
      reason: "192.0.2.11 took over while this host slept",
    });
    expect(segment.sent.length).toBe(before);
    clock.advance(10_000);
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "active"]);
  });

  test("takes the address back with Preempt_Mode, as it would after a start", () => {
    const { clock, lb1, lb2 } = settledPair(plan(200), plan(100));
    lb1.machine.freeze(true);
    clock.advance(20_000);
    lb1.machine.thaw();
    clock.advance(10);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect([lb1.machine.holds(vip), lb2.machine.holds(vip)]).toEqual([true, false]);
  });
});
