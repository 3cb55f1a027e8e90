import { beforeEach, describe, expect, test } from "bun:test";
import type { RouteRequest, RuleRequest } from "../../../src/kernel/rtnetlink.ts";
import { routeRequest, ruleRequest } from "../../../src/vrrp/fib-request.ts";
import { type Booted, fullPlan, HoldingsBench, route, rule } from "../../support/holdings-bench.ts";

let bench = new HoldingsBench();
let process = bench.boot();
beforeEach(() => {
  bench = new HoldingsBench();
  process = bench.boot();
});

const held = { routes: [route("198.51.100.0"), route("203.0.113.0")], rules: [rule(1000)] };
const fibOf = ({ holdings }: Booted): Booted["holdings"]["needs"]["fib"] => holdings.needs.fib;
const routes = (): readonly string[] =>
  bench.machine.fib.routes.map(({ destination }) => destination.address);
const rules = (): readonly number[] => bench.machine.fib.rules.map(({ priority }) => priority);

function kernelRoute(destination: string, protocol: number): RouteRequest {
  const request = routeRequest(route(destination), 2, 254);
  if (request.kind !== "route") throw new Error("no route");
  return { ...request.route, protocol };
}

function kernelRule(priority: number, protocol: number): RuleRequest {
  const request = ruleRequest(rule(priority), 100);
  if (request.kind !== "rule") throw new Error("no rule");
  return { ...request.rule, protocol };
}

describe("routes and rules", () => {
  test("that another made are left alone, and said to be in the way", () => {
    bench.machine.fib.routes.push({ ...kernelRoute("198.51.100.0", 4), gateway: "192.0.2.9" });
    fibOf(process).take(held);
    expect(routes()).toEqual(["198.51.100.0", "203.0.113.0"]);
    expect(bench.lines).toEqual([
      "route 198.51.100.0/24 via 192.0.2.1 dev eth0 cannot be added: there is another already, which is not ours",
    ]);
    fibOf(process).release(held);
    expect(routes()).toEqual(["198.51.100.0"]);
    expect(bench.machine.fib.routes[0]?.protocol).toBe(4);
  });

  test("of another are not removed even where the kernel does not tell rules apart", () => {
    bench.machine.fib.rules.push(kernelRule(1000, 0));
    fibOf(process).take(held);
    fibOf(process).release(held);
    expect([routes(), rules()]).toEqual([[], [1000]]);
  });

  test("wait for their interface, and take the place of one that goes", () => {
    const later = { routes: [route("198.51.100.0", { interface: "eth7" })], rules: [] };
    fibOf(process).take(later);
    expect(routes()).toEqual([]);
    expect(bench.lines).toEqual([
      "route 198.51.100.0/24 via 192.0.2.1 dev eth7 cannot be added: its interface does not exist",
    ]);
    fibOf(process).release(later);
    bench.machine.fib.routes.push(kernelRoute("203.0.113.0", 4));
    fibOf(process).take(held);
    bench.machine.fib.routes = bench.machine.fib.routes.filter(({ protocol }) => protocol !== 4);
    fibOf(process).check();
    expect(routes().toSorted()).toEqual(["198.51.100.0", "203.0.113.0"]);
  });

  test("are put back with growing pauses, whatever else happens meanwhile", () => {
    const { fib } = bench.machine;
    fibOf(process).prepare([fullPlan(held)])();
    fibOf(process).take(held);
    const remove = (): void => {
      const [gone] = fib.rules;
      if (gone !== undefined) fib.apply({ kind: "remove-rule", rule: gone });
    };
    for (let round = 0; round < 5; round++) {
      remove();
      bench.clock.advance(10);
      expect(rules()).toEqual([1000]);
    }
    remove();
    // News without end keep neither the pause from ending nor anything else from being looked at.
    for (let ms = 0; ms < 900; ms += 2) {
      fibOf(process).checkSoon();
      bench.clock.advance(2);
    }
    expect(rules()).toEqual([]);
    bench.machine.fib.routes = [];
    for (let ms = 0; ms < 200; ms += 2) {
      fibOf(process).checkSoon();
      bench.clock.advance(2);
    }
    expect([routes(), rules()]).toEqual([["198.51.100.0", "203.0.113.0"], [1000]]);
  });

  test("are nobody's concern any more once they were given up", () => {
    fibOf(process).prepare([fullPlan(held)])();
    fibOf(process).take(held);
    fibOf(process).release(held);
    fibOf(process).checkSoon();
    bench.clock.advance(60_000);
    expect([routes(), rules()]).toEqual([[], []]);
  });
});

describe("what an earlier process left", () => {
  test("is known by its tag, and a rule without one by the journal", () => {
    fibOf(process).take(held);
    process.kill();
    // As kernels before 4.17 would show it.
    bench.machine.fib.rules = [kernelRule(1000, 0), kernelRule(1001, 0), kernelRule(1002, 4)];
    bench.machine.fib.routes.push(kernelRoute("192.0.9.0", 4));
    const next = bench.boot();
    next.holdings.sweep();
    expect([routes(), rules()]).toEqual([["192.0.9.0"], [1001, 1002]]);
    expect(bench.machine.noted.size).toBe(0);
  });

  test("goes with a router that is not active after all", () => {
    fibOf(process).take(held);
    process.kill();
    const next = bench.boot();
    fibOf(next).adopt(held);
    next.holdings.sweep();
    expect([routes(), rules()]).toEqual([["198.51.100.0", "203.0.113.0"], [1000]]);
    fibOf(next).release(held);
    expect([routes(), rules()]).toEqual([[], []]);
  });
});
