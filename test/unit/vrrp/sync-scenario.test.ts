import { describe, expect, spyOn, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { Roster } from "../../../src/vrrp/roster.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeRouterMachine, startedPair } from "./vrrp-pair.ts";

const syncGroups = [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }];

function plan(outside: number, inside = outside): VrrpPlan {
  const second = { name: "inside-1", interface: "eth1", vrid: 52, vip: "192.0.3.100", priority: inside };
  return vrrpPlan([instancePlan({ priority: outside }), instancePlan(second)], { syncGroups });
}

/** Lets every instance be burdened by what /load says. */
function loaded(of: VrrpPlan, preemptDelayMs: number): VrrpPlan {
  const own = { tracks: ["load"], preemptDelayMs };
  const instances = of.instances.map((one) => Object.assign({}, one, own));
  return { ...of, instances, tracks: [{ kind: "file", name: "load", path: "/load", weight: -1 }] };
}

function states(node: FakeRouterMachine): readonly string[] {
  return [node.state("public-1"), node.state("inside-1")];
}

const bothActive = ["active", "active"];
const bothBackup = ["backup", "backup"];

describe("a sync group over two networks", () => {
  test("is active on both with one node", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
  });

  test("moves both networks when one cable of the active node is cut, and brings both back", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    lb1.machine.setCarrier("eth0", false);
    clock.advance(700);
    // inside-1 resigned at once, and the group follows it without waiting for public-1's silence.
    expect([states(lb1), states(lb2)]).toEqual([["fault", "fault"], bothActive]);
    expect(lb1.status("inside-1").reason).toBe("sync group VG_1: public-1: interface eth0 has no carrier");
    expect(lb1.machine.holds("192.0.3.100")).toBe(false);
    lb1.machine.setCarrier("eth0", true);
    clock.advance(8000);
    expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
  });

  test("asks who follows whom about once for each member of a large group that takes over", () => {
    const names = Array.from({ length: 40 }, (_, index) => `public-${index}`);
    const large = (priority: number): VrrpPlan =>
      vrrpPlan(
        names.map((name, index) =>
          instancePlan({ name, vrid: index + 1, priority, vip: `192.0.2.${100 + index}` }),
        ),
        { syncGroups: [{ name: "VG_1", instances: names, tracks: [], notify: null }] },
      );
    const { clock, lb1, lb2 } = startedPair([large(200), large(100)]);
    clock.advance(5000);
    lb1.kill();
    const asked = spyOn(Roster.prototype, "followingBeside");
    try {
      clock.advance(5000);
      expect(new Set(names.map((name) => lb2.state(name)))).toEqual(new Set(["active"]));
      expect(asked.mock.calls.length).toBeLessThan(10 * names.length);
    } finally {
      asked.mockRestore();
    }
  });

  test("does not flap while the nodes hear each other on one network only", () => {
    const { clock, segment, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    segment.isolate("lb2", "eth0", 1);
    clock.advance(60_000);
    expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
    expect(lb2.status("public-1").counters["becameActive"]).toBe(0);
    lb1.stop();
    clock.advance(2000);
    expect(states(lb2)).toEqual(bothActive);
  });

  test.each([10, 50, 150, 300, 900])(
    "takes over when the active node falls silent at other moments on the two networks, up to %d ms apart",
    (delayMs) => {
      const { clock, segment, lb1, lb2 } = startedPair([plan(200), plan(100)]);
      segment.maxDelayMs = delayMs;
      clock.advance(10_000);
      expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
      lb1.kill();
      // The later of the two deadlines is at most 3 intervals, a skew and the longest way of a packet off.
      clock.advance(3 * 1000 + 609.375 + delayMs + 1);
      expect(states(lb2)).toEqual(bothActive);
    },
  );

  test("stays where it is when the two networks disagree about who is preferred", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200, 100), plan(100, 200)]);
    lb2.kill();
    clock.advance(10_000);
    lb2.start();
    clock.advance(60_000);
    expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
    expect(lb2.status("inside-1").counters["becameActive"]).toBe(0);
  });

  test("leaves one node active on both when both were active", () => {
    const { clock, segment, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    segment.isolate("lb1", "eth0", 1);
    segment.isolate("lb1", "eth1", 1);
    clock.advance(5000);
    expect([states(lb1), states(lb2)]).toEqual([bothActive, bothActive]);
    segment.heal();
    clock.advance(1100);
    expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
  });

  test("is adopted as a whole", () => {
    const { clock, lb1 } = startedPair([plan(200), plan(100)]);
    clock.advance(5000);
    lb1.kill();
    lb1.start(["inside-1"]);
    expect(states(lb1)).toEqual(bothActive);
  });

  test.each([0, 20_000])(
    "goes back to the better node once its track has recovered, delay %d ms",
    (delay) => {
      const { clock, lb1, lb2 } = startedPair([loaded(plan(200), delay), loaded(plan(190), delay)]);
      clock.advance(5000);
      lb1.machine.files.set("/load", "50");
      clock.advance(delay + 10_000);
      expect([states(lb1), states(lb2)]).toEqual([bothBackup, bothActive]);
      lb1.machine.files.delete("/load");
      clock.advance(delay + 10_000);
      expect([states(lb1), states(lb2)]).toEqual([bothActive, bothBackup]);
    },
  );
});
