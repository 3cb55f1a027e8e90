import { describe, expect, test } from "bun:test";
import { batchLength, longestAtOnce, sliceMs } from "../../../src/director/filling.ts";
import { PlansInTurn } from "../../../src/director/plans-in-turn.ts";
import { desiredTable } from "../../../src/director/table.ts";
import { directorLab, plan, type DirectorLab } from "../../support/director-lab.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedService } from "../../support/ipvs-services.ts";

/** What a kernel does in one slice that takes a quarter of a slice's time for each batch. */
const sliceLength = 4 * batchLength;
/** A little more than four times what is done at once, and so a little more than 16 slices: each service takes three steps. */
const services = Array.from({ length: Math.ceil((4 * longestAtOnce) / 3) + 1 }, (_, index) =>
  plannedService({ port: 1 + index }),
);
const whole = desiredTable(services, () => true);

/** A director before a kernel that takes its time. */
function lab(options: Parameters<typeof directorLab>[0] = {}): DirectorLab {
  const made = directorLab(options);
  made.kernel.takeTime = () => made.clock.freeze(sliceMs / 4);
  return made;
}

/** Goes on until nothing is left, and tells how often it did, and what it came to. */
function filled(director: ReturnType<typeof lab>["director"]): readonly [number, string | null] {
  let times = 0;
  let reason: string | null = null;
  for (; director.isFilling; times++) reason = director.fill();
  return [times, reason];
}

describe("a long first plan", () => {
  test("fills the table slice by slice, and has the journal know all of it beforehand", () => {
    const { director, kernel, journal, said } = lab();
    expect(director.configure(plan(...services))).toBeNull();
    expect(director.isFilling).toBeTrue();
    expect(journal.entries.size).toBe(services.length);
    director.fill();
    expect(kernel.changes).toHaveLength(sliceLength);
    expect(filled(director)).toEqual([16, null]);
    expect(kernel.services()).toEqual([...whole]);
    expect(said.filter((line) => line.includes("IPVS: "))).toHaveLength(1);
  });

  test("is adopted by the next process where this one has died", () => {
    const died = lab();
    died.director.configure(plan(...services));
    died.director.fill();
    const kernel = new FakeIpvs(died.kernel.services());
    const next = lab({ kernel, owned: [...died.journal.entries] });
    next.director.configure(
      plan(...services),
      new Map([
        ["probe 21", true],
        ["probe 22", true],
      ]),
    );
    filled(next.director);
    expect(kernel.services()).toEqual([...whole]);
    expect(kernel.changes).toHaveLength(3 * services.length - sliceLength);
  });

  test("follows what checks have found meanwhile once it is through", () => {
    const { director, kernel, down } = lab();
    director.configure(plan(...services));
    director.fill();
    down.add("probe 22");
    director.reconcile();
    expect(kernel.changes).toHaveLength(sliceLength);
    filled(director);
    expect(kernel.services()).toEqual([...desiredTable(services, (probe) => probe !== "probe 22")]);
  });

  test("is refused at its end if the kernel refused a part of it", () => {
    const { director, kernel } = lab();
    kernel.schedulers = new Set(["wrr"]);
    const bad = plannedService({ address: "10.99.0.102", scheduler: "rr" });
    expect(director.configure(plan(bad, ...services))).toBeNull();
    const [, reason] = filled(director);
    expect(reason).toContain("ip_vs_rr");
    director.stop();
    expect(kernel.services()).toEqual([]);
  });

  test("leaves nothing behind when it is stopped half-way", () => {
    const { director, kernel } = lab();
    director.configure(plan(...services));
    director.fill();
    director.stop();
    expect(director.isFilling).toBeFalse();
    expect(kernel.services()).toEqual([]);
  });
});

test("plans are answered in their turn, the first one when all of it is carried out", () => {
  const clock = new FakeClock();
  const { director, kernel } = lab();
  const answers: (string | null)[] = [];
  const plans = new PlansInTurn({
    clock,
    balancer: director,
    begin: (wanted, found) => director.configure(wanted, found),
    answer: (reason) => answers.push(reason),
  });
  plans.configure(plan(...services), new Map());
  expect(answers).toEqual([]);
  clock.advance(1);
  expect(answers).toEqual([null]);
  plans.configure(plan(), new Map());
  expect(answers).toEqual([null, null]);
  expect(kernel.services()).toEqual([]);
});

test("a second plan waits for no slices", () => {
  const clock = new FakeClock();
  const { director, kernel } = lab();
  const answers: (string | null)[] = [];
  const plans = new PlansInTurn({
    clock,
    balancer: director,
    begin: (wanted, found) => director.configure(wanted, found),
    answer: (reason) => answers.push(reason),
  });
  plans.configure(plan(...services), new Map());
  plans.configure(plan(plannedService()), new Map());
  clock.advance(1);
  expect(answers).toEqual([null, null]);
  expect(kernel.services()).toHaveLength(1);
});
