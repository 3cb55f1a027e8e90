import { expect, test } from "bun:test";
import type { FoundName, FoundServer } from "../../../../src/config/lookup-plan.ts";
import type { Found } from "../../../../src/config/named-servers.ts";
import { noDirectorPlan, type DirectorPlan } from "../../../../src/config/node-plan.ts";
import { planNode } from "../../../../src/config/plan.ts";
import { NamedPlans } from "../../../../src/director/names/named-plans.ts";
import { base, configOf, vip } from "../../config/expect-lines.ts";
import { site } from "../../config/fixtures.ts";

const servers = 'servers = [{ address = "app.example:80" }]\n';

function planOf(lines: string): DirectorPlan {
  const text = base + vip + site.replace(/servers = .*/, servers + lines);
  return planNode(configOf(text), "lb1", { cores: 1 }).director;
}

const plan = planOf('check = { type = "tcp", interval = "1s" }');
const unchecked = planOf("");

/** Named plans before names and checks that say what they are told to. */
class Desk {
  found: Found = new Map();
  readonly well = new Set<string>();
  readonly down = new Set<string>();
  readonly told: string[] = [];
  readonly taken: string[] = [];
  settle: () => void = () => undefined;
  readonly plans = new NamedPlans({
    names: {
      configure: () => undefined,
      found: () => this.found,
      settled: () => new Promise<void>((resolve) => (this.settle = resolve)),
      stop: () => undefined,
    },
    isUp: (probe) => (this.well.has(probe) ? true : this.down.has(probe) ? false : null),
    balancer: { takeNamed: (taken) => this.taken.push(addressesIn(taken)) },
    tell: (names: readonly FoundName[]) =>
      this.told.push(names.map((name) => listed(name.servers)).join(";")),
  });

  stands(...addresses: readonly string[]): void {
    this.found = new Map([["apps app.example", addresses.map((address) => ({ address, srv: null }))]]);
    this.plans.takeFound();
  }

  begin(of: DirectorPlan): void {
    this.plans.begin(of);
    this.plans.carriedOut(() => undefined);
  }
}

function listed(some: readonly FoundServer[]): string {
  return some.map(({ address }) => address).join();
}

function addressesIn({ proxied }: DirectorPlan): string {
  return proxied.flatMap(({ servers: own }) => own.map(({ address }) => address)).join();
}

test("servers that a name does not stand for any more stay until one that it does is found well", () => {
  const desk = new Desk();
  desk.begin(plan);
  desk.stands("10.16.8.1");
  desk.well.add("tcp 10.16.8.1:80 every 1s");
  desk.stands("10.16.8.2", "10.16.8.3");
  expect(desk.told.at(-1)).toBe("10.16.8.2,10.16.8.3,10.16.8.1");
  desk.plans.checked();
  expect(desk.taken.at(-1)).toBe("10.16.8.2,10.16.8.3,10.16.8.1");
  desk.well.add("tcp 10.16.8.3:80 every 1s");
  desk.plans.checked();
  expect([desk.told.at(-1), desk.taken.at(-1)]).toEqual(["10.16.8.2,10.16.8.3", "10.16.8.2,10.16.8.3"]);
  const { length } = desk.taken;
  desk.plans.checked();
  expect(desk.taken.length).toBe(length);
});

test("a name whose servers are all down does not gather those of each answer", () => {
  const desk = new Desk();
  desk.begin(plan);
  desk.stands("10.16.8.1");
  desk.well.add("tcp 10.16.8.1:80 every 1s");
  desk.stands("10.16.8.2");
  desk.down.add("tcp 10.16.8.2:80 every 1s");
  desk.stands("10.16.8.3");
  expect(desk.told.at(-1)).toBe("10.16.8.3,10.16.8.1");
  desk.well.clear();
  desk.down.add("tcp 10.16.8.1:80 every 1s");
  desk.plans.checked();
  expect(desk.told.at(-1)).toBe("10.16.8.3");
});

test("servers that nothing checks change at once, and none at all is none", () => {
  const desk = new Desk();
  desk.begin(unchecked);
  desk.stands("10.16.8.1");
  desk.stands("10.16.8.2");
  expect(desk.taken.at(-1)).toBe("10.16.8.2");
  desk.stands();
  expect(desk.taken.at(-1)).toBe("");
});

test("what was found stands over a reload, and a reload waits for what is new in it", async () => {
  const desk = new Desk();
  desk.begin(plan);
  desk.settle();
  await Promise.resolve();
  desk.stands("10.16.8.1");
  expect(addressesIn(desk.plans.begin(unchecked))).toBe("10.16.8.1");
  let isTold = false;
  desk.plans.carriedOut(() => {
    isTold = true;
  });
  expect(isTold).toBe(false);
  desk.settle();
  await Promise.resolve();
  expect(isTold).toBe(true);
});

test("a plan without names takes nothing", () => {
  const desk = new Desk();
  desk.begin(noDirectorPlan);
  desk.plans.takeFound();
  expect(desk.taken).toEqual([]);
});

test("plans are told of in their order, also one that is refused while names of the one before are looked up", async () => {
  const desk = new Desk();
  const told: string[] = [];
  desk.plans.begin(plan);
  const first = new Promise<void>((resolve) => {
    desk.plans.carriedOut(() => {
      told.push("first");
      resolve();
    });
  });
  const last = new Promise<void>((resolve) => {
    desk.plans.refused(() => told.push("second, refused"));
    desk.plans.begin(noDirectorPlan);
    desk.plans.carriedOut(() => {
      told.push("third");
      resolve();
    });
  });
  expect(told).toEqual([]);
  desk.settle();
  await Promise.all([first, last]);
  expect(told).toEqual(["first", "second, refused", "third"]);
  // With nothing to wait for they are told of at once.
  desk.plans.refused(() => told.push("fourth"));
  expect(told.at(-1)).toBe("fourth");
});
