import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, nat, property, tuple } from "fast-check";
import type { EjectionPlan } from "../../../src/config/upstream-policy.ts";
import type { ServerEjection } from "../../../src/ipc/server-ejection.ts";
import { type Ejectable, Ejections, ServerHealth } from "../../../src/proxy/ejections.ts";

const plan: EjectionPlan = {
  failures: 3,
  windowMs: 10_000,
  timeMs: 30_000,
  mostTimeMs: 300_000,
  mostPercent: 50,
  on: ["connect", "timeout", 503],
};

class Server implements Ejectable {
  readonly id: string;
  readonly health: ServerHealth;
  readonly isBackup = false;
  readonly isFull = false;
  weight = 1;
  isStanding = true;

  constructor(id: string, group: Ejections) {
    this.id = id;
    this.health = new ServerHealth(group);
  }

  get isUp(): boolean {
    return this.isStanding && !this.health.isEjected;
  }
}

function setUp(count: number, more: Partial<EjectionPlan> = {}) {
  const clock = { now: 1_000 };
  const told: ServerEjection[] = [];
  const group = new Ejections({ now: () => clock.now, tell: (ejection) => void told.push(ejection) });
  const servers = Array.from({ length: count }, (_, index) => new Server(`s${index}`, group));
  group.configure({ ...plan, ...more }, servers);
  const [first] = servers;
  if (first === undefined) throw new Error("no server");
  const fail = (times: number): void => {
    for (let failure = 0; failure < times; failure++) first.health.failed("connect");
  };
  const at = (now: number): void => {
    clock.now = now;
    group.sweep(now);
  };
  return { at, fail, first, group, servers, told };
}

describe("a server that fails", () => {
  test("so often in a row is ejected, with the reason, and taken back in time", () => {
    const { at, fail, first, told } = setUp(2);
    fail(2);
    expect(first.isUp).toBe(true);
    first.health.answered(503);
    expect(first.isUp).toBe(false);
    expect(told).toEqual([
      { server: "s0", forMs: 30_000, reason: "3 failures in a row, the last: status 503" },
    ]);
    at(30_999);
    expect(first.isUp).toBe(false);
    at(31_000);
    expect(first.isUp).toBe(true);
    expect(first.health.reason).toBeNull();
  });

  test("and answers in between begins anew, as after a long time; what does not count does not count", () => {
    const { at, fail, first } = setUp(2);
    fail(2);
    first.health.answered(404);
    fail(2);
    at(20_000);
    fail(2);
    first.health.failed("closed");
    expect(first.isUp).toBe(true);
    fail(1);
    expect(first.isUp).toBe(false);
  });

  test("again and again stays away longer, up to a limit, unless it has done well for long", () => {
    const { at, fail, told } = setUp(2, { mostTimeMs: 100_000 });
    let now = 1_000;
    for (const forMs of [30_000, 60_000, 100_000, 100_000]) {
      fail(3);
      expect(told.at(-1)?.forMs).toBe(forMs);
      now += forMs;
      at(now);
    }
    at(now + 100_000);
    fail(3);
    expect(told.at(-1)?.forMs).toBe(30_000);
  });

  test("stays if it is the last one up, and comes back when it has become that", () => {
    const { fail, first, group, servers } = setUp(2);
    const [, second] = servers;
    if (second === undefined) throw new Error("no server");
    second.isStanding = false;
    fail(10);
    expect(first.isUp).toBe(true);
    second.isStanding = true;
    fail(1);
    expect(first.isUp).toBe(false);
    expect(group.pardonLast()).toBe(false);
    second.isStanding = false;
    expect(group.pardonLast()).toBe(true);
    expect(first.isUp).toBe(true);
  });

  test("in the eyes of another process is left alone here too", () => {
    const { at, first, group } = setUp(2);
    group.heard({ server: "s0", forMs: 5_000, reason: "3 failures in a row" });
    expect(first.health.reason).toBe("3 failures in a row, ejected for 5s by another process");
    group.heard({ server: "s1", forMs: 5_000, reason: "3 failures in a row" });
    at(6_000);
    expect(first.isUp).toBe(true);
  });

  test("is back at once when ejection is configured no more", () => {
    const { fail, first, group, servers } = setUp(2);
    fail(3);
    group.configure(null, servers);
    expect(first.isUp).toBe(true);
  });
});

test("never are all ejected, nor more than the share, whatever fails", () => {
  const steps = array(tuple(nat(5), constantFrom("connect", "timeout", "well", "time")), { maxLength: 200 });
  assert(
    property(nat(5), steps, nat(99), (more, drawn, percent) => {
      const { at, servers } = setUp(more + 1, { failures: 2, mostPercent: percent + 1 });
      let now = 1_000;
      for (const [index, what] of drawn) {
        const health = servers[index % servers.length]?.health;
        if (what === "time") at((now += 7_000));
        else if (what === "well") health?.answered(200);
        else health?.failed(what);
        const out = servers.filter(({ isUp }) => !isUp).length;
        expect(out).toBeLessThan(servers.length);
        expect(out).toBeLessThanOrEqual(Math.max(1, Math.floor((servers.length * (percent + 1)) / 100)));
      }
    }),
  );
});
