import { describe, expect, test } from "bun:test";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeRouterMachine, startedPair } from "./vrrp-pair.ts";

const vip = "192.0.2.100";
const plans = [
  vrrpPlan([instancePlan({ priority: 200 })]),
  vrrpPlan([instancePlan({ priority: 100 })]),
] as const;

const holders = (machines: readonly FakeRouterMachine[]): readonly boolean[] =>
  machines.map(({ machine }) => machine.holds(vip));

describe("a node of which every process was killed", () => {
  test("loses the address by the kernel's own hand when nobody starts it again", () => {
    const { clock, machines, lb1, lb2 } = startedPair(plans);
    clock.advance(4000);
    lb1.kill();
    clock.advance(3700);
    expect(lb2.state()).toBe("active");
    expect(holders(machines)).toEqual([true, true]);
    clock.advance(1300);
    expect(holders(machines)).toEqual([false, true]);
  });

  test("goes on with the address when it is started again before another node can have claimed", () => {
    const { clock, machines, lb1, lb2 } = startedPair(plans);
    clock.advance(4000);
    lb1.kill();
    clock.advance(1500);
    lb1.start();
    expect(lb1.state()).toBe("active");
    clock.advance(10_000);
    expect(lb2.status()).toMatchObject({ state: "backup", counters: { becameActive: 0 } });
    expect(holders(machines)).toEqual([true, false]);
  });

  test("listens like any other when it is started later", () => {
    const { clock, machines, lb1, lb2 } = startedPair(plans);
    // It has just advertised, and renewed.
    clock.advance(4250);
    lb1.kill();
    clock.advance(3100);
    lb1.start();
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "backup"]);
    expect(holders(machines)).toEqual([false, false]);
    clock.advance(600);
    expect(lb2.state()).toBe("active");
  });
});

describe("an active node that was frozen", () => {
  test("has lost the address by the time it wakes up, and does not put it back beside its successor", () => {
    const { clock, machines, lb1, lb2 } = startedPair([
      vrrpPlan([instancePlan({ priority: 200, preempts: false })]),
      vrrpPlan([instancePlan({ priority: 100, preempts: false })]),
    ]);
    clock.advance(4000);
    expect(lb1.state()).toBe("active");
    lb1.machine.freeze(true);
    clock.advance(6000);
    expect(holders(machines)).toEqual([false, true]);
    lb1.machine.thaw();
    expect(holders(machines)).toEqual([false, true]);
    clock.advance(5000);
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "active"]);
    expect(holders(machines)).toEqual([false, true]);
  });

  test("puts the address back when nobody has taken over, and says that it is there", () => {
    const { clock, lb1, lb2 } = startedPair(plans);
    clock.advance(4000);
    lb2.kill();
    lb1.machine.freeze(true);
    clock.advance(6000);
    expect(lb1.machine.holds(vip)).toBe(false);
    const announced = lb1.machine.announced.length;
    lb1.machine.thaw();
    clock.advance(1000);
    expect(lb1.state()).toBe("active");
    expect(lb1.machine.holds(vip)).toBe(true);
    expect(lb1.machine.announced.length).toBeGreaterThan(announced);
    const told = lb1.log.filter((line) => line.includes("put back"));
    expect(told).toEqual([
      "public-1: 192.0.2.100/24 on eth0 went with its lease while this process was stopped: put back",
    ]);
  });
});
