import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import type { HandoverOrder, HandoverReport } from "../../../src/ipc/handover.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, type FakeRouterMachine, fakeCluster, startedPair } from "./vrrp-pair.ts";

const vip = "192.0.2.100";
const inside = "192.0.3.100";
const neighbours = [{ node: "beta", priority: 100, address: "192.0.2.11" }];

type StartedPair = FakeCluster & { readonly lb1: FakeRouterMachine; readonly lb2: FakeRouterMachine };

function plan(priority: number, wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ priority, neighbours, ...wish })]);
}

function oneOfTwo(priority: number, other: number): VrrpPlan {
  return plan(priority, { neighbours: [{ node: "other", priority: other, address: null }] });
}

function groupPlan(priority: number): VrrpPlan {
  const second = { name: "inside-1", interface: "eth1", vrid: 52, vip: inside, priority };
  const syncGroups = [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }];
  return vrrpPlan([instancePlan({ priority }), instancePlan(second)], { syncGroups });
}

function settled(first: VrrpPlan, second: VrrpPlan): StartedPair {
  const pair = startedPair([first, second]);
  pair.clock.advance(6000);
  expect(holders(pair)).toEqual([true, false]);
  return pair;
}

function alone(wish: InstanceWish = {}): FakeCluster & { readonly lb1: FakeRouterMachine } {
  const cluster = fakeCluster([plan(200, wish)]);
  const [lb1] = cluster.machines;
  if (lb1 === undefined) throw new Error("one machine was asked for");
  lb1.start();
  cluster.clock.advance(6000);
  return { ...cluster, lb1 };
}

function holders({ machines }: FakeCluster, address = vip): readonly boolean[] {
  return machines.map(({ machine }) => machine.holds(address));
}

/** Gives an order; the result has the report once there is one. */
function order(
  node: FakeRouterMachine,
  wish: Partial<HandoverOrder> = {},
): { report: HandoverReport | null } {
  const answer: { report: HandoverReport | null } = { report: null };
  node.node.handOver({ names: null, isBack: false, isNow: false, ...wish }, (report) => {
    answer.report = report;
  });
  return answer;
}

function lines({ report }: { readonly report: HandoverReport | null }): readonly string[] {
  return (
    report?.outcomes.map(({ name, isDone, text }) => `${isDone ? "+" : "-"} ${name}: ${text}`) ?? ["open"]
  );
}

describe("a handover", () => {
  test("moves the address without a moment in which nobody has it, and says who holds it", () => {
    const pair = settled(plan(200), plan(100));
    const answer = order(pair.lb1, { names: ["public-1"] });
    pair.clock.advance(608);
    expect(holders(pair)).toEqual([true, false]);
    expect(lines(answer)).toEqual(["open"]);
    expect(pair.lb1.status()).toMatchObject({ state: "backup", priority: 1 });
    pair.clock.advance(8);
    expect(holders(pair)).toEqual([false, true]);
    expect(lines(answer)[0]).toMatch(/^\+ public-1: beta holds it since \S+; handed over in 614 ms$/);
    expect(answer.report?.outcomes[0]?.holder).toEqual({ node: "beta", address: "192.0.2.11" });
  });

  test("is not undone by this node's better priority, and shows why", () => {
    const pair = settled(plan(200), plan(100));
    order(pair.lb1);
    pair.clock.advance(60_000);
    expect(holders(pair)).toEqual([false, true]);
    expect(pair.lb1.status().claims[0]).toMatch(/^handed over by the operator at .*Z: priority 1$/);
    expect(pair.lb1.status().handedOverAt).not.toBeNull();
  });

  test("does not keep this node from taking over when the other one dies", () => {
    const pair = settled(plan(200), plan(100));
    order(pair.lb1);
    pair.clock.advance(5000);
    pair.lb2.kill();
    pair.clock.advance(4000);
    expect(pair.lb1.status()).toMatchObject({ state: "active", priority: 1 });
    pair.lb2.start();
    pair.clock.advance(5000);
    expect(pair.lb2.state()).toBe("active");
    expect(pair.lb1.state()).toBe("backup");
  });

  test("and another one back by the other of two nodes take as long: priority 1 makes nobody wait", () => {
    const pair = settled(oneOfTwo(254, 250), oneOfTwo(250, 254));
    for (const from of [pair.lb1, pair.lb2, pair.lb1, pair.lb2]) {
      const answer = order(from);
      pair.clock.advance(40);
      expect(lines(answer)[0]).toStartWith("+ public-1: ");
      expect(from.status()).toMatchObject({ state: "backup", priority: 1 });
    }
    // And is no slower when the other one dies.
    pair.clock.advance(5000);
    pair.lb1.kill();
    pair.clock.advance(3030);
    expect(pair.lb2.status()).toMatchObject({ state: "active", priority: 1 });
  });

  test("gives back the usual claim on demand, which preempts", () => {
    const pair = settled(plan(200), plan(100));
    order(pair.lb1);
    pair.clock.advance(5000);
    const answer = order(pair.lb1, { isBack: true });
    expect(lines(answer)).toEqual(["open"]);
    pair.clock.advance(5000);
    expect(holders(pair)).toEqual([true, false]);
    expect(lines(answer)[0]).toMatch(
      /^\+ public-1: this node holds it, after .*, and claims with priority 200$/,
    );
    expect(pair.lb1.status()).toMatchObject({ handedOverAt: null, claims: [] });
  });

  test("gives back the usual claim on demand at once, whatever preempt delay there is", () => {
    const pair = settled(plan(200, { preemptDelayMs: 300_000 }), plan(100));
    order(pair.lb1);
    pair.clock.advance(5000);
    const answer = order(pair.lb1, { isBack: true });
    pair.clock.advance(5000);
    expect(holders(pair)).toEqual([true, false]);
    expect(lines(answer)[0]).toMatch(/^\+ public-1: this node holds it, after/);
  });

  test("gives back the usual claim without preempting where this node does not preempt", () => {
    const pair = settled(plan(200, { preempts: false }), plan(100, { preempts: false }));
    order(pair.lb1);
    pair.clock.advance(5000);
    expect(lines(order(pair.lb1, { isBack: true }))).toEqual([
      "+ public-1: claims with priority 200 again; beta holds it with priority 100",
    ]);
    pair.clock.advance(10_000);
    expect(holders(pair)).toEqual([false, true]);
  });

  test("leaves the address where it is when nobody takes it, with the usual claim", () => {
    const { clock, lb1, segment } = alone();
    const answer = order(lb1, { names: ["public-1"] });
    clock.advance(1990);
    expect(lines(answer)).toEqual(["open"]);
    clock.advance(10);
    expect(lines(answer)).toEqual(["- public-1: nobody took over within 2 s: this node holds it as before"]);
    expect(lb1.machine.holds(vip)).toBe(true);
    expect(lb1.status()).toMatchObject({ state: "active", priority: 200, handedOverAt: null });
    clock.advance(1100);
    expect(segment.sent.at(-1)?.payload[2]).toBe(200);
  });

  test("of what was handed over already changes nothing", () => {
    const pair = settled(plan(200), plan(100));
    order(pair.lb1);
    pair.clock.advance(5000);
    expect(lines(order(pair.lb1, { names: ["public-1"] }))[0]).toMatch(
      /^\+ public-1: beta holds it; handed over at .*Z$/,
    );
  });

  test("of what another node holds says where to give the command", () => {
    const pair = settled(plan(200), plan(100));
    const [line] = lines(order(pair.lb2, { names: ["public-1"] }));
    expect(line).toBe("- public-1: this node does not hold it: 192.0.2.10 does; give the command there");
    expect(order(pair.lb2).report?.outcomes).toEqual([]);
  });

  test("of an unknown name names those that there are", () => {
    const { lb1 } = settled(groupPlan(200), groupPlan(100));
    expect(order(lb1, { names: ["public"] }).report?.refusal).toBe(
      "there is no virtual router or sync group public on this node; there are: public-1, inside-1, VG_1 (sync group)",
    );
  });

  test("of an owner's address is refused", () => {
    const { lb1 } = settled(plan(255), plan(100));
    expect(lines(order(lb1))[0]).toContain("- public-1: this node owns the address (priority 255)");
    expect(lb1.state()).toBe("active");
  });

  test("fails with the reason when the cable is cut meanwhile", () => {
    const { clock, lb1 } = alone();
    const answer = order(lb1);
    clock.advance(100);
    lb1.machine.setCarrier("eth0", false);
    clock.advance(1);
    expect(lines(answer)).toEqual(["- public-1: fault: interface eth0 has no carrier"]);
  });

  test("survives a reload, and a new process that is told of it", () => {
    const pair = settled(plan(200), plan(100));
    order(pair.lb1);
    pair.clock.advance(5000);
    pair.lb1.node.configure(plan(210), []);
    expect(pair.lb1.status().priority).toBe(1);
    const { handedOverAt } = pair.lb1.status();
    pair.lb1.kill();
    pair.lb1.start([], [{ interface: "eth0", family: 4, vrid: 51, at: handedOverAt ?? "" }]);
    expect(pair.lb1.status()).toMatchObject({ handedOverAt, priority: 1 });
    pair.clock.advance(20_000);
    expect(holders(pair)).toEqual([false, true]);
  });
});

describe("a handover of a sync group", () => {
  test("moves all of it, whichever member or group is named", () => {
    for (const name of ["VG_1", "inside-1"]) {
      const pair = settled(groupPlan(200), groupPlan(100));
      const answer = order(pair.lb1, { names: [name] });
      pair.clock.advance(5000);
      expect([holders(pair), holders(pair, inside)]).toEqual([
        [false, true],
        [false, true],
      ]);
      expect(answer.report?.outcomes.map(({ name: each, isDone }) => `${each} ${isDone}`)).toEqual([
        "public-1 true",
        "inside-1 true",
      ]);
      expect(pair.lb1.status("inside-1").priority).toBe(1);
    }
  });

  test("leaves all of it where it is when one network's address finds no taker", () => {
    const pair = settled(groupPlan(200), groupPlan(100));
    pair.segment.isolate("lb2", "eth1", 1);
    pair.lb2.machine.setCarrier("eth1", false);
    pair.clock.advance(5000);
    const answer = order(pair.lb1);
    pair.clock.advance(5000);
    expect([holders(pair), holders(pair, inside)]).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(answer.report?.outcomes.every(({ isDone }) => !isDone)).toBe(true);
    expect([pair.lb1.status().priority, pair.lb1.status("inside-1").priority]).toEqual([200, 200]);
  });

  test("comes back as a whole", () => {
    const pair = settled(groupPlan(200), groupPlan(100));
    order(pair.lb1);
    pair.clock.advance(5000);
    const answer = order(pair.lb1, { names: ["public-1"], isBack: true });
    pair.clock.advance(8000);
    expect([holders(pair), holders(pair, inside)]).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(answer.report?.outcomes.map(({ name }) => name)).toEqual(["public-1", "inside-1"]);
  });
});
