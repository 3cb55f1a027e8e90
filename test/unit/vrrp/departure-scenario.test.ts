import { describe, expect, test } from "bun:test";
import type { Departure } from "../../../src/ipc/departure.ts";
import type { HandoverReport } from "../../../src/ipc/handover.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, fakeCluster, type FakeRouterMachine } from "./vrrp-pair.ts";

interface Scene extends FakeCluster {
  readonly lb1: FakeRouterMachine;
  /** What the proxies of lb1 were told. */
  readonly told: Departure[];
}

/** Starts a pair whose first node holds the address; the second claims with a priority after a resignation. */
function scene(priority: number, drainTimeoutMs = 2000): Scene {
  const neighbours = [{ node: "beta", priority, address: "192.0.2.11" }];
  const common = { needsProxy: true } as const;
  const told: Departure[] = [];
  const cluster = fakeCluster([
    vrrpPlan([instancePlan({ ...common, priority: 254, neighbours })], { drainTimeoutMs }),
    vrrpPlan([instancePlan({ ...common, priority })]),
  ]);
  const [lb1, lb2] = cluster.machines;
  if (lb1 === undefined || lb2 === undefined) throw new Error("a pair has two machines");
  lb1.start([], [], (departure) => told.push(departure));
  lb2.start();
  cluster.clock.advance(6000);
  return { ...cluster, lb1, told };
}

function failOver({ lb1 }: Scene, isNow = false): { report: HandoverReport | null } {
  const answer: { report: HandoverReport | null } = { report: null };
  lb1.node.handOver({ names: null, isBack: false, isNow }, (report) => {
    answer.report = report;
  });
  return answer;
}

function steps({ told }: Scene): readonly string[] {
  return told.map(({ step }) =>
    step.kind === "over" ? `over ${step.isGone}` : `${step.kind} ${step.limitMs}`,
  );
}

function answer({ lb1 }: Scene, kind: "drain" | "clear", ended = 0): void {
  lb1.node.departures.answer({ id: 1, kind, ended });
}

describe("open connections to an address that is handed over", () => {
  test("are drained and cleared before the resignation where the next router is quick", () => {
    const run = scene(250);
    const order = failOver(run);
    run.clock.advance(1500);
    expect([run.lb1.state(), order.report, steps(run)]).toEqual(["active", null, ["drain 2000"]]);
    answer(run, "drain");
    expect(steps(run)).toEqual(["drain 2000", "clear 200"]);
    expect(run.lb1.state()).toBe("active");
    answer(run, "clear");
    expect(run.lb1.state()).toBe("backup");
    run.clock.advance(30);
    expect(steps(run).at(-1)).toBe("over true");
    expect(order.report?.outcomes[0]?.text).toMatch(/handed over in 29 ms$/);
  });

  test("are cleared shortly before the takeover where the next router takes its time", () => {
    const run = scene(100);
    failOver(run);
    answer(run, "drain");
    expect([steps(run), run.lb1.state()]).toEqual([["drain 2000"], "backup"]);
    run.clock.advance(410);
    expect(steps(run)).toEqual(["drain 2000", "clear 200"]);
    run.clock.advance(205);
    expect(steps(run).at(-1)).toBe("over true");
  });

  test("hold nothing up when the proxies do not answer", () => {
    const run = scene(250);
    const order = failOver(run);
    run.clock.advance(2_300 + 500 + 30);
    expect(order.report?.outcomes[0]?.isDone).toBe(true);
    expect(steps(run)).toEqual(["drain 2000", "clear 200", "over true"]);
  });

  test("are ended at once with --now, and without a drain timeout", () => {
    for (const run of [scene(250), scene(250, 0)]) {
      failOver(run, run.lb1.plan.drainTimeoutMs > 0);
      expect(steps(run)).toEqual(["clear 0"]);
    }
  });

  test("are waited for on a stop, and named in the log when they took too long", () => {
    const run = scene(250);
    run.lb1.stop();
    answer(run, "drain", 3);
    expect(run.lb1.log.at(-1)).toBe("public-1: 3 connections in use after 2 s: ended before the handover");
    answer(run, "clear");
    run.clock.advance(30);
    expect([run.lb1.state(), steps(run).at(-1)]).toEqual(["gone", "over true"]);
  });

  test("are left alone when the address leaves for another reason", () => {
    const run = scene(250);
    run.lb1.node.setProxiesAlive(false);
    run.clock.advance(100);
    expect([run.lb1.state(), steps(run)]).toEqual(["fault", []]);
  });

  test("are let in again when nobody takes over", () => {
    const run = scene(250);
    run.machines[1]?.kill();
    const order = failOver(run);
    answer(run, "drain");
    answer(run, "clear");
    run.clock.advance(400);
    expect(steps(run).at(-1)).toBe("over false");
    run.clock.advance(3000);
    expect([run.lb1.state(), order.report?.outcomes[0]?.isDone]).toEqual(["active", false]);
  });
});
