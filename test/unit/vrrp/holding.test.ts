import { beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { extra, fullPlan, HoldingsBench, route, rule } from "../../support/holdings-bench.ts";

let bench = new HoldingsBench();
beforeEach(() => {
  bench = new HoldingsBench();
});

const plan = fullPlan();
const everything = ["192.0.2.100", "192.0.3.100", "route 198.51.100.0", "rule 1000"];

describe("what a router holds", () => {
  test("is taken and given up as a whole", () => {
    const holding = bench.boot().holdingOf(plan);
    expect(bench.held()).toEqual([]);
    holding.take();
    expect(bench.held()).toEqual(everything);
    holding.release();
    expect(bench.held()).toEqual([]);
    expect(bench.lines).toEqual([]);
  });

  test("is put back and announced again when somebody else removes an address of it", () => {
    const { holdingOf } = bench.boot();
    const holding = holdingOf(plan);
    holding.take();
    bench.machine.removeByHand("192.0.3.100");
    bench.clock.advance(100);
    expect(bench.held()).toContain("192.0.3.100");
    expect(bench.lines).toEqual(["public-1: 192.0.3.100/24 on eth1 was removed by someone else: put back"]);
    expect(bench.machine.announced.filter((address) => address === "192.0.3.100")).not.toEqual([]);
    holding.release();
    bench.machine.removeByHand("192.0.2.100");
    bench.clock.advance(60_000);
    expect(bench.held()).toEqual([]);
  });

  test("changes with the plan, and what stays is not touched", () => {
    const holding = bench.boot().holdingOf(plan);
    holding.take();
    const before = bench.machine.fib.routes[0];
    const next = fullPlan({
      extraAddresses: [extra("192.0.3.101", "eth1")],
      routes: [route("198.51.100.0"), route("203.0.113.0")],
      rules: [],
    });
    holding.configure(next, true);
    expect(bench.held().toSorted()).toEqual([
      "192.0.2.100",
      "192.0.3.101",
      "route 198.51.100.0",
      "route 203.0.113.0",
    ]);
    expect(bench.machine.fib.routes[0] === before).toBe(true);
    // A router that leaves drops what is gone from its plan, and takes nothing new.
    holding.configure(plan, false);
    expect(bench.held().toSorted()).toEqual(["192.0.2.100", "route 198.51.100.0"]);
  });
});

describe("any changes of the plan", () => {
  const wishes = fc.record({
    extraAddresses: fc.subarray([
      extra("192.0.2.101"),
      extra("192.0.3.100", "eth1"),
      extra("192.0.3.101", "eth1"),
    ]),
    routes: fc.subarray([route("198.51.100.0"), route("203.0.113.0", { metric: 5 }), route("203.0.113.0")]),
    rules: fc.subarray([
      rule(1000),
      rule(1001),
      rule(1000, { family: 6, from: null, inputInterface: "eth0" }),
    ]),
  });

  test("leave what the last plan says, and a release leaves nothing", () => {
    fc.assert(
      fc.property(fc.array(wishes, { minLength: 1, maxLength: 6 }), fc.boolean(), (plans, keepsTags) => {
        bench = new HoldingsBench();
        bench.machine.keepsTags = keepsTags;
        const [first = {}] = plans;
        const holding = bench.boot().holdingOf(fullPlan(first));
        holding.take();
        for (const wish of plans.slice(1)) {
          holding.configure(fullPlan(wish), true);
          bench.clock.advance(20);
        }
        const last = plans.at(-1);
        expect(bench.held()).toHaveLength(
          1 + (last?.extraAddresses.length ?? 0) + (last?.routes.length ?? 0) + (last?.rules.length ?? 0),
        );
        holding.release();
        expect(bench.held()).toEqual([]);
        expect(bench.machine.noted.size).toBe(0);
        expect(bench.lines).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test("a process that dies is followed by one that removes or adopts everything, with tags and without", () => {
    fc.assert(
      fc.property(wishes, wishes, fc.boolean(), fc.boolean(), (before, after, keepsTags, adopts) => {
        bench = new HoldingsBench();
        bench.machine.keepsTags = keepsTags;
        const dying = bench.boot();
        dying.holdingOf(fullPlan(before)).take();
        dying.kill();
        bench.machine.addByHand("eth1", "192.0.3.55");
        const next = bench.boot();
        const wanted = fullPlan(after);
        if (adopts) next.holdings.adopt([wanted]);
        next.holdings.sweep();
        const common = (key: "extraAddresses" | "routes" | "rules"): number => {
          const texts = new Set(after[key].map((one) => JSON.stringify(one)));
          return before[key].filter((one) => texts.has(JSON.stringify(one))).length;
        };
        const kept = 1 + common("extraAddresses") + common("routes") + common("rules");
        expect(bench.held()).toHaveLength(1 + (adopts ? kept : 0));
        expect(bench.held()).toContain("192.0.3.55");
      }),
      { numRuns: 50 },
    );
  });
});
