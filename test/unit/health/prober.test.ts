import { describe, expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import type { ProbePlan, ProbeTiming } from "../../../src/config/check-plan.ts";
import { weightText, type WeightWord } from "../../../src/config/weight-word.ts";
import type { Achievement } from "../../../src/health/achievement.ts";
import type { Deadline } from "../../../src/health/deadline.ts";
import { Prober, type ProbeVerdict } from "../../../src/health/prober.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { plannedProbe } from "../../support/probe-plans.ts";

const timing = { intervalMs: 1_000, timeoutMs: 500, retries: 0, retryDelayMs: 100, rise: 2, fall: 2 };

function probe(id: string, change: Partial<ProbeTiming> = {}): ProbePlan {
  return plannedProbe(id, { kind: "tcp" }, { ...timing, ...change });
}

/** A prober whose attempts end as the test says: "up", "down", or "hang" until told otherwise. */
function lab(): {
  clock: FakeClock;
  prober: Prober;
  behaviour: Map<string, "up" | "down" | "hang">;
  /** What an attempt that goes well says about the weight. */
  weights: Map<string, WeightWord>;
  verdicts: string[];
  attempts: string[];
  aborted: string[];
  pass: (ms: number) => Promise<void>;
} {
  const clock = new FakeClock();
  const behaviour = new Map<string, "up" | "down" | "hang">();
  const weights = new Map<string, WeightWord>();
  const verdicts: string[] = [];
  const attempts: string[] = [];
  const aborted: string[] = [];
  const attempt = (plan: ProbePlan, deadline: Deadline): Promise<Achievement> => {
    attempts.push(plan.id);
    deadline.onOver(() => aborted.push(plan.id));
    const does = behaviour.get(plan.id) ?? "up";
    if (does === "hang") return new Promise(() => undefined);
    return does === "up"
      ? Promise.resolve({ text: "connected", weight: weights.get(plan.id) ?? null })
      : Promise.reject(new Error("refused"));
  };
  const onVerdict = ({ probe: id, isUp, weight }: ProbeVerdict): void => {
    verdicts.push(`${id} ${isUp ? "up" : "down"}${weight === null ? "" : `, ${weightText(weight)}`}`);
  };
  const prober = new Prober({ clock, log: silentLog, attempt, onVerdict });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { clock, prober, behaviour, weights, verdicts, attempts, aborted, pass };
}

describe("Prober", () => {
  test("has no verdict before the first result, and reports that result whatever it is", async () => {
    const { prober, behaviour, verdicts, pass } = lab();
    behaviour.set("b", "down");
    prober.configure([probe("a"), probe("b")]);
    expect([prober.verdict("a"), prober.verdict("b")]).toEqual([null, null]);
    await pass(250);
    expect(verdicts.toSorted()).toEqual(["a up", "b down"]);
    expect([prober.verdict("a"), prober.verdict("b")]).toEqual([true, false]);
  });

  test("asks at once, as if it were a retry, when a server has failed somebody", async () => {
    const { prober, behaviour, verdicts, attempts, pass } = lab();
    prober.configure([probe("a", { intervalMs: 10_000, retries: 1, rise: 1, fall: 1 })]);
    await pass(1_000);
    behaviour.set("a", "down");
    prober.hasten("a");
    await pass(20);
    expect(verdicts).toEqual(["a up", "a down"]);
    behaviour.set("a", "up");
    const before = attempts.length;
    prober.hasten("a");
    await pass(1_000);
    expect(attempts).toHaveLength(before);
    await pass(9_500);
    expect(verdicts).toEqual(["a up", "a down", "a up"]);
  });

  test("believes its own attempt and not the complaint, and is not driven by complaints", async () => {
    const { prober, verdicts, attempts, pass } = lab();
    prober.configure([probe("a", { intervalMs: 10_000 })]);
    await pass(1_000);
    const before = attempts.length;
    for (let turn = 0; turn < 100; turn++) {
      prober.hasten("a");
      prober.hasten("unknown");
      await pass(10);
    }
    expect(attempts.length - before).toBeLessThanOrEqual(5);
    expect(attempts.length - before).toBeGreaterThanOrEqual(3);
    expect(verdicts).toEqual(["a up"]);
  });

  test("observes fall and rise", async () => {
    const { prober, behaviour, verdicts, pass } = lab();
    prober.configure([probe("a")]);
    await pass(1_500);
    behaviour.set("a", "down");
    await pass(4_000);
    behaviour.set("a", "up");
    await pass(4_000);
    expect(verdicts).toEqual(["a up", "a down", "a up"]);
  });

  test("retries before a failure counts, but not before anything is known", async () => {
    const { prober, behaviour, attempts, verdicts, pass } = lab();
    behaviour.set("a", "down");
    prober.configure([probe("a", { retries: 2, fall: 1 })]);
    await pass(250);
    expect(attempts).toEqual(["a"]);
    expect(verdicts).toEqual(["a down"]);
    await pass(1_000);
    expect(attempts).toEqual(["a", "a", "a", "a"]);
  });

  test("ends an attempt at its deadline and goes on", async () => {
    const { prober, behaviour, aborted, verdicts, pass } = lab();
    behaviour.set("a", "hang");
    prober.configure([probe("a")]);
    await pass(750);
    expect(verdicts).toEqual(["a down"]);
    expect(aborted).toEqual(["a"]);
    expect(prober.status()[0]?.lastResult).toBe("no answer within 500 ms");
    behaviour.set("a", "up");
    await pass(3_000);
    expect(verdicts).toEqual(["a down", "a up"]);
  });

  test("gives a server back the time in which this process was held up, once", async () => {
    const { clock, prober, behaviour, aborted, verdicts, pass } = lab();
    behaviour.set("a", "hang");
    prober.configure([probe("a")]);
    await pass(250);
    clock.freeze(600);
    await pass(200);
    expect(verdicts).toEqual([]);
    await pass(300);
    expect(aborted).toEqual(["a"]);
    expect(verdicts).toEqual(["a down"]);
  });

  test("lets no probe wait for one that hangs", async () => {
    const { prober, behaviour, attempts, pass } = lab();
    behaviour.set("stuck", "hang");
    prober.configure([probe("stuck", { timeoutMs: 60_000 }), probe("a"), probe("b")]);
    await pass(5_200);
    expect(attempts.filter((id) => id === "stuck").length).toBe(1);
    expect(attempts.filter((id) => id === "a").length).toBeGreaterThanOrEqual(5);
    expect(attempts.filter((id) => id === "b").length).toBeGreaterThanOrEqual(5);
  });

  test("keeps verdict and schedule of probes that a new plan leaves as they are", async () => {
    const { prober, behaviour, attempts, verdicts, pass } = lab();
    behaviour.set("a", "down");
    prober.configure([probe("a"), probe("gone")]);
    await pass(300);
    const before = attempts.length;
    prober.configure([probe("new"), probe("a")]);
    expect(prober.verdict("a")).toBe(false);
    expect(prober.status().map(({ id }) => id)).toEqual(["new", "a"]);
    await pass(250);
    expect(attempts.slice(before)).toEqual(["new"]);
    expect(verdicts.filter((verdict) => verdict.startsWith("a"))).toEqual(["a down"]);
    await pass(3_000);
    expect(attempts.slice(before)).not.toContain("gone");
  });

  test("keeps the verdict of a probe whose rhythm changes", async () => {
    const { prober, behaviour, pass } = lab();
    behaviour.set("a", "down");
    prober.configure([probe("a")]);
    await pass(300);
    prober.configure([probe("a", { intervalMs: 5_000 })]);
    expect(prober.verdict("a")).toBe(false);
  });

  test("starts from a verdict found standing, and rise and fall apply to it at once", async () => {
    const { prober, behaviour, verdicts, pass } = lab();
    behaviour.set("b", "down");
    prober.configure(
      [probe("a"), probe("b")],
      new Map([
        ["a", false],
        ["b", true],
      ]),
    );
    expect([prober.verdict("a"), prober.verdict("b")]).toEqual([false, true]);
    await pass(250);
    expect(verdicts.toSorted()).toEqual(["a down", "b up"]);
    await pass(1_000);
    expect(verdicts.slice(2).toSorted()).toEqual(["a up", "b down"]);
  });

  test("ends the attempt under way and makes no other when it is closed", async () => {
    const { prober, behaviour, attempts, aborted, verdicts, pass } = lab();
    behaviour.set("a", "hang");
    prober.configure([probe("a")]);
    await pass(250);
    prober.close();
    expect(aborted).toEqual(["a"]);
    await pass(5_000);
    expect(attempts).toEqual(["a"]);
    expect(verdicts).toEqual([]);
  });

  test("goes on with the weight that a check told an earlier process, until it tells another", async () => {
    const { prober, weights, verdicts, pass } = lab();
    const drained: WeightWord = { kind: "share", percent: 0 };
    prober.inherit([
      { probe: "a", weight: drained },
      { probe: "b", weight: null },
    ]);
    // Before a plan, too: servers are weighed before their probes begin.
    expect([prober.weightWord("a"), prober.weightWord("b")]).toEqual([drained, null]);
    prober.configure([probe("a"), probe("b")], new Map([["a", true]]));
    expect([prober.weightWord("a"), prober.weightWord("b")]).toEqual([drained, null]);
    weights.set("a", { kind: "share", percent: 50 });
    await pass(300);
    expect(verdicts).toContain("a up, 50% of its weight");
    prober.configure([]);
    prober.configure([probe("a")]);
    expect(prober.weightWord("a")).toBeNull();
  });

  test("tells of a weight that a check asks for, once, and when it changes", async () => {
    const { prober, behaviour, weights, verdicts, pass } = lab();
    weights.set("a", { kind: "share", percent: 50 });
    prober.configure([probe("a")]);
    await pass(5_000);
    expect(verdicts).toEqual(["a up, 50% of its weight"]);
    expect(prober.weightWord("a")).toEqual({ kind: "share", percent: 50 });
    weights.delete("a");
    await pass(2_000);
    weights.set("a", { kind: "fixed", weight: 7 });
    await pass(2_000);
    behaviour.set("a", "down");
    await pass(5_000);
    expect(verdicts).toEqual(["a up, 50% of its weight", "a up", "a up, weight 7", "a down, weight 7"]);
    prober.close();
  });

  test("has a set of probes down as soon as one is, and up when all are again", async () => {
    const { prober, behaviour, weights, verdicts, pass } = lab();
    const sets = [{ id: "a and b", probes: ["a", "b"] }];
    weights.set("b", { kind: "share", percent: 50 });
    prober.configure([probe("a"), probe("b")], new Map(), sets);
    expect(prober.verdict("a and b")).toBeNull();
    await pass(1_000);
    expect(verdicts.filter((text) => text.startsWith("a and b"))).toEqual(["a and b up, 50% of its weight"]);
    behaviour.set("a", "down");
    await pass(3_000);
    expect([prober.verdict("a"), prober.verdict("b"), prober.verdict("a and b")]).toEqual([
      false,
      true,
      false,
    ]);
    expect(verdicts.at(-1)).toBe("a and b down, 50% of its weight");
    expect(prober.status().map(({ id, isUp }) => `${id} ${isUp}`)).toEqual(["a false", "b true"]);
    behaviour.set("a", "up");
    await pass(3_000);
    expect(verdicts.at(-1)).toBe("a and b up, 50% of its weight");
  });

  test("says at once what a set comes to whose probes are known, and hastens all of them", async () => {
    const { prober, behaviour, verdicts, attempts, pass } = lab();
    behaviour.set("a", "down");
    prober.configure([probe("a"), probe("b", { intervalMs: 60_000 })]);
    await pass(1_000);
    prober.configure([probe("a"), probe("b", { intervalMs: 60_000 })], new Map(), [
      { id: "a and b", probes: ["a", "b"] },
    ]);
    expect(verdicts.at(-1)).toBe("a and b down");
    const before = attempts.filter((id) => id === "b").length;
    prober.hasten("a and b");
    await pass(50);
    expect(attempts.filter((id) => id === "b").length).toBe(before + 1);
  });
});
