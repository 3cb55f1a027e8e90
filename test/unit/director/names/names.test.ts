import { describe, expect, test } from "bun:test";
import type { FoundServer, LookupPlan } from "../../../../src/config/lookup-plan.ts";
import type { Finding } from "../../../../src/director/names/finding.ts";
import { Names } from "../../../../src/director/names/names.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { recordingLog } from "../../../support/recording-log.ts";
import { plannedLookup } from "../../../support/planned-lookup.ts";

const plan = plannedLookup;

const servers = (...addresses: readonly string[]): readonly FoundServer[] =>
  addresses.map((address) => ({ address, srv: null }));
const found = (ttlMs: number, ...addresses: readonly string[]): Finding => ({
  kind: "found",
  servers: servers(...addresses),
  ttlMs,
  complaint: null,
});
const failed: Finding = { kind: "failed", reason: "SERVFAIL" };
const none = (ttlMs: number | null): Finding => ({ kind: "none", reason: "there is no such name", ttlMs });

/** Names before a resolver that gives what it is told to. */
class Desk {
  readonly clock = new FakeClock();
  readonly log = recordingLog();
  readonly asked: string[] = [];
  changes = 0;
  answer: Finding = failed;
  readonly names: Names;

  constructor() {
    const resolver = {
      keep: () => undefined,
      find: (of: LookupPlan) => {
        this.asked.push(of.name);
        return Promise.resolve(this.answer);
      },
    };
    const onFound = (): void => {
      this.changes += 1;
    };
    this.names = new Names({ clock: this.clock, log: this.log.log, resolver, onFound });
  }

  async configure(...args: Parameters<Names["configure"]>): Promise<void> {
    this.names.configure(...args);
    await Promise.resolve();
  }

  /** Lets time pass until just before the next lookup is due, and then past it; gives how long that was. */
  async waitMs(): Promise<number> {
    const { length } = this.asked;
    for (let passed = 0; passed <= 4_000_000; passed += 500) {
      if (this.asked.length > length) {
        await Promise.resolve();
        return passed;
      }
      this.clock.advance(500);
    }
    throw new Error("it is not looked up again");
  }

  known(): readonly string[] {
    return (
      this.names
        .found()
        .get(plan.id)
        ?.map(({ address }) => address) ?? []
    );
  }
}

describe("a name", () => {
  test("is looked up at once, and again when its time is over, within the bounds for that", async () => {
    const desk = new Desk();
    desk.answer = found(5_000, "192.0.2.1");
    await desk.configure([plan]);
    expect(desk.known()).toEqual(["192.0.2.1"]);
    desk.answer = found(0, "192.0.2.2");
    expect(await desk.waitMs()).toBe(5_000);
    expect(desk.known()).toEqual(["192.0.2.2"]);
    desk.answer = found(86_400_000, "192.0.2.2");
    expect(await desk.waitMs()).toBe(1_000);
    expect(await desk.waitMs()).toBe(3_600_000);
    expect(desk.changes).toBe(2);
    expect(desk.log.said.join("\n")).toContain(
      "app.example of upstream apps: 192.0.2.2 comes, 192.0.2.1 goes",
    );
  });

  test("that cannot be looked up keeps its servers, is asked for soon and less and less soon, and says so once", async () => {
    const desk = new Desk();
    desk.answer = found(5_000, "192.0.2.1");
    await desk.configure([plan]);
    desk.answer = failed;
    await desk.waitMs();
    const waits: number[] = [];
    for (let turn = 0; turn < 6; turn++) waits.push(await desk.waitMs());
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(desk.known()).toEqual(["192.0.2.1"]);
    expect(desk.names.status()).toMatchObject([
      { servers: ["192.0.2.1"], isKnown: true, ttlS: 0, complaint: "SERVFAIL" },
    ]);
    desk.answer = found(5_000, "192.0.2.1");
    await desk.waitMs();
    expect(desk.changes).toBe(1);
    expect(desk.log.said.filter((line) => line.includes("looked up"))).toEqual([
      "warning: app.example of upstream apps cannot be looked up: SERVFAIL; 1 server of before stay",
      "notice: app.example of upstream apps can be looked up again",
    ]);
  });

  test("loses its servers after as long as the operator says, and not before", async () => {
    const desk = new Desk();
    desk.answer = found(5_000, "192.0.2.1");
    await desk.configure([{ ...plan, keepMs: 6_000 }]);
    desk.answer = failed;
    desk.clock.advance(5_000);
    await Promise.resolve();
    let keptMs = 0;
    while (desk.known().length > 0) {
      keptMs += await desk.waitMs();
      if (keptMs > 20_000) break;
    }
    expect(keptMs).toBe(6_000);
    desk.clock.advance(20);
    expect(desk.changes).toBe(2);
  });

  test("that is not there is no other case, but is asked for when that was said to be over", async () => {
    const desk = new Desk();
    desk.answer = none(7_000);
    await desk.configure([plan]);
    expect(desk.names.status()).toMatchObject([{ isKnown: false, complaint: "there is no such name" }]);
    expect(await desk.waitMs()).toBe(7_000);
    desk.answer = none(3_600_000);
    expect(await desk.waitMs()).toBe(7_000);
    expect(await desk.waitMs()).toBe(30_000);
    desk.answer = none(null);
    await desk.waitMs();
    expect(await desk.waitMs()).toBe(5_000);
  });

  test("of which a part is not found is asked for soon, with what is there", async () => {
    const desk = new Desk();
    desk.answer = { kind: "found", servers: servers("192.0.2.1"), ttlMs: 60_000, complaint: "SERVFAIL" };
    await desk.configure([plan]);
    expect(desk.known()).toEqual(["192.0.2.1"]);
    expect(await desk.waitMs()).toBe(1_000);
    expect(await desk.waitMs()).toBe(2_000);
  });

  test("with too many servers has the first of them, and the log says so", async () => {
    const desk = new Desk();
    desk.answer = found(5_000, "192.0.2.3", "192.0.2.1", "192.0.2.2");
    await desk.configure([{ ...plan, mostServers: 2 }]);
    expect(desk.known()).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(desk.names.status()[0]?.leftOut).toBe(1);
    expect(desk.log.said[0]).toContain("has 3 servers: 1 are left out");
  });

  test("stands for what the process before found, until it is looked up", async () => {
    const desk = new Desk();
    await desk.configure([plan], [{ lookup: plan.id, servers: servers("192.0.2.1") }]);
    expect(desk.known()).toEqual(["192.0.2.1"]);
    expect(desk.changes).toBe(0);
  });

  test("that a plan asks for otherwise is looked up anew, and keeps its servers; one that it does not has none", async () => {
    const desk = new Desk();
    desk.answer = found(60_000, "192.0.2.1");
    await desk.configure([plan]);
    desk.answer = failed;
    await desk.configure([{ ...plan, resolvers: [{ address: "192.0.2.53", port: 53 }] }]);
    expect(desk.asked.length).toBe(2);
    expect(desk.known()).toEqual(["192.0.2.1"]);
    await desk.configure([]);
    expect(desk.known()).toEqual([]);
    desk.clock.advance(100_000);
    expect(desk.asked.length).toBe(2);
  });

  test("is told of together with others that are new, and without those that take long", async () => {
    const { promise: slow, resolve: answerSlow } = Promise.withResolvers<Finding>();
    const [clock, changes] = [new FakeClock(), [] as number[]];
    const names = new Names({
      clock,
      log: recordingLog().log,
      resolver: {
        keep: () => undefined,
        find: ({ id }: LookupPlan) => (id === "slow" ? slow : Promise.resolve(found(60_000, "192.0.2.1"))),
      },
      onFound: () => changes.push(names.found().size),
    });
    names.configure([
      { ...plan, id: "a" },
      { ...plan, id: "b" },
      { ...plan, id: "c" },
      { ...plan, id: "slow" },
    ]);
    await Promise.resolve();
    expect(changes).toEqual([]);
    clock.advance(20);
    expect(changes).toEqual([3]);
    answerSlow(found(60_000, "192.0.2.2"));
    await names.settled(1_000);
    clock.advance(20);
    expect(changes).toEqual([3, 4]);
  });

  test("that changes together with others is told of with them", async () => {
    const desk = new Desk();
    desk.answer = found(5_000, "192.0.2.1");
    await desk.configure([
      { ...plan, id: "a" },
      { ...plan, id: "b" },
      { ...plan, id: "c" },
    ]);
    desk.clock.advance(20);
    expect(desk.changes).toBe(1);
    desk.answer = found(5_000, "192.0.2.2");
    desk.clock.advance(5_000);
    await Promise.resolve();
    desk.clock.advance(20);
    expect(desk.asked.length).toBe(6);
    expect(desk.changes).toBe(2);
  });

  test("that is new holds nobody up for longer than said", async () => {
    const clock = new FakeClock();
    const resolver = { keep: () => undefined, find: () => new Promise<Finding>(() => undefined) };
    const names = new Names({ clock, log: recordingLog().log, resolver, onFound: () => undefined });
    names.configure([plan]);
    let isOver = false;
    const waiting = names.settled(2_000).then(() => {
      isOver = true;
    });
    clock.advance(1_999);
    await Promise.resolve();
    expect(isOver).toBe(false);
    clock.advance(1);
    await waiting;
    names.configure([]);
    await names.settled(2_000);
  });
});
