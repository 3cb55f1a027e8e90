import { beforeEach, describe, expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import { later, type Instant } from "../../../src/base/instant.ts";
import { SystemError } from "../../../src/base/system-error.ts";
import type { VipAddressPlan } from "../../../src/config/node-plan.ts";
import { AnnouncementQueue } from "../../../src/vrrp/announcement-queue.ts";
import { type Announced, Announcer } from "../../../src/vrrp/announcer.ts";
import { Deadlines } from "../../../src/vrrp/deadlines.ts";
import { Interfaces } from "../../../src/vrrp/interfaces.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeMachine, FakeSegment } from "../../support/fake-segment.ts";
import { instancePlan } from "../../support/vrrp-plans.ts";

const usual = instancePlan();
const start = 1000;

/** A link that notes every frame with its time, and the announcers on it. */
class Bench {
  readonly clock = new FakeClock();
  readonly frames: { readonly ms: number; readonly address: string }[] = [];
  /** What the next frames meet, one after the other; nothing is success. */
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly announcements: AnnouncementQueue;
  readonly deadlines: Deadlines;
  readonly host: ConstructorParameters<typeof AnnouncementQueue>[0]["host"];

  constructor() {
    let cancel: (() => void) | null = null;
    const alarm = {
      set: (at: Instant, action: () => void): void => {
        cancel?.();
        cancel = this.clock.schedule(at, action);
      },
      clear: (): void => cancel?.(),
    };
    const { host } = new FakeMachine("lb1", new FakeSegment(this.clock), { eth0: "192.0.2.10" }).boot();
    const interfaces = new Interfaces(host);
    this.host = {
      clock: this.clock,
      announce: (_link, address) => {
        const code = this.errors.shift();
        if (code !== undefined) throw new SystemError("send", code);
        this.frames.push({ ms: this.clock.now() - start, address });
      },
    };
    this.deadlines = new Deadlines({ clock: this.clock, alarm });
    const log = { ...silentLog, warning: (line: string): void => void this.warnings.push(line) };
    this.announcements = new AnnouncementQueue({
      host: this.host,
      interfaces,
      deadlines: this.deadlines,
      log,
    });
  }

  announcer(name: string, current: Announced): Announcer {
    return new Announcer(name, this, () => current);
  }

  /** The times of all frames for an address, in milliseconds. */
  timesOf(address: string): readonly number[] {
    return this.frames.filter((frame) => frame.address === address).map(({ ms }) => ms);
  }
}

function many(count: number, net = 2): readonly VipAddressPlan[] {
  const [one] = usual.addresses;
  if (one === undefined) throw new Error("the usual instance has an address");
  return Array.from({ length: count }, (_, index) => ({ ...one, address: `192.0.${net}.${index + 1}` }));
}

let bench = new Bench();
beforeEach(() => {
  bench = new Bench();
});

describe("announcing", () => {
  test("sends one frame at once, the rest of the burst one by one after it, and a second burst after its delay", () => {
    bench.announcer("a", usual).announce();
    expect(bench.timesOf("192.0.2.100")).toEqual([0]);
    bench.clock.advance(4999);
    expect(bench.timesOf("192.0.2.100")).toEqual([0, 2, 4, 6, 8]);
    bench.clock.advance(10_000);
    expect(bench.timesOf("192.0.2.100")).toHaveLength(10);
  });

  test("sends the first frame of hundreds of addresses at once, the others in rounds of sixteen every 2 ms", () => {
    const addresses = many(255);
    bench.announcer("a", { ...usual, addresses }).announce();
    expect(bench.frames.map(({ address }) => address)).toEqual(addresses.map(({ address }) => address));
    bench.clock.advance(200);
    expect(bench.frames).toHaveLength(5 * 255);
    const perMoment = Map.groupBy(bench.frames.slice(255), ({ ms }) => ms);
    expect(Math.max(...[...perMoment.values()].map((frames) => frames.length))).toBe(16);
    expect(bench.frames.slice(255, 2 * 255).map(({ address }) => address)).toEqual(
      addresses.map(({ address }) => address),
    );
  });

  test("sends the first frames beyond 255 in their turn, before any address comes again and without its pause", () => {
    const addresses = [...many(255), ...many(100, 3)];
    bench.announcer("a", { addresses, garp: { ...usual.garp, burst: 2, intervalMs: 50 } }).announce();
    expect(bench.frames).toHaveLength(255);
    bench.clock.advance(14);
    expect(bench.frames.slice(0, 355).map(({ address }) => address)).toEqual(
      addresses.map(({ address }) => address),
    );
    expect(bench.frames.length).toBeLessThanOrEqual(356);
    bench.clock.advance(500);
    expect(bench.frames.length).toBeLessThanOrEqual(367);
  });

  test("shares the pace among all routers of an interface", () => {
    for (const [index, vip] of many(255).entries()) {
      bench.announcer(`router ${index}`, { ...usual, addresses: [vip] }).announce();
    }
    bench.clock.advance(130);
    expect(bench.frames).toHaveLength(5 * 255);
    const perMoment = Map.groupBy(bench.frames.slice(255), ({ ms }) => ms);
    expect(Math.max(...[...perMoment.values()].map((frames) => frames.length))).toBe(16);
  });

  test("keeps the pause that is asked for between all frames but the first for each address", () => {
    const garp = { ...usual.garp, burst: 3, intervalMs: 50 };
    bench.announcer("a", { addresses: many(2), garp }).announce();
    bench.clock.advance(1000);
    expect(bench.frames.map(({ ms }) => ms)).toEqual([0, 0, 50, 100, 150, 200]);
  });

  test("refreshes while it lasts, and no more once it is cancelled", () => {
    const announcer = bench.announcer("a", {
      ...usual,
      garp: { ...usual.garp, burst: 1, refreshMs: 60_000, refreshCount: 2 },
    });
    announcer.announce();
    bench.clock.advance(121_000);
    expect(bench.timesOf("192.0.2.100")).toEqual([0, 5002, 60_002, 60_004, 120_002, 120_004]);
    announcer.cancel();
    bench.clock.advance(121_000);
    expect(bench.frames).toHaveLength(6);
  });

  test("forgets the frames still to come when it is cancelled, but not those of others", () => {
    const gone = bench.announcer("gone", { ...usual, addresses: many(100, 3) });
    gone.announce();
    bench.announcer("stays", { ...usual, addresses: many(1) }).announce();
    gone.cancel();
    bench.clock.advance(60_000);
    expect(bench.frames).toHaveLength(100 + 10);
  });

  test("does not add up when it is asked over and over, as with a rival that does not give way", () => {
    const announcer = bench.announcer("a", { ...usual, addresses: many(255) });
    for (let round = 0; round < 50; round++) {
      announcer.announce();
      bench.clock.advance(10);
    }
    const before = bench.frames.length;
    bench.clock.advance(4000);
    expect(bench.frames.length - before).toBeLessThanOrEqual(5 * 255);
  });

  test("repeats only what is still one of its addresses", () => {
    let addresses = many(2);
    const announcer = new Announcer("a", bench, () => ({ ...usual, addresses }));
    announcer.announce();
    bench.clock.advance(1000);
    addresses = addresses.slice(0, 1);
    bench.clock.advance(10_000);
    expect(bench.timesOf("192.0.2.1")).toHaveLength(10);
    expect(bench.timesOf("192.0.2.2")).toHaveLength(5);
  });

  test("tries again later when the interface's queue is full, and says nothing", () => {
    bench.errors.push("ENOBUFS");
    bench.announcer("a", usual).announce();
    bench.clock.advance(100);
    expect(bench.timesOf("192.0.2.100")).toHaveLength(4);
    expect(bench.warnings).toEqual([]);
  });

  test("gives up a burst that the interface cannot send, with one warning", () => {
    bench.errors.push("ENETDOWN", "ENETDOWN");
    bench.announcer("a", { ...usual, addresses: many(3) }).announce();
    bench.clock.advance(1000);
    expect(bench.frames).toEqual([]);
    expect(bench.warnings).toHaveLength(1);
  });
});

test("an advertisement that is due while hundreds of addresses are announced goes out in its turn", () => {
  bench.announcer("a", { ...usual, addresses: many(255) }).announce();
  let framesBefore = 0;
  bench.deadlines.set("election", later(bench.clock.now(), 10), () => {
    framesBefore = bench.frames.length;
  });
  bench.clock.advance(10);
  expect(framesBefore).toBeLessThanOrEqual(255 + 5 * 16);
});
