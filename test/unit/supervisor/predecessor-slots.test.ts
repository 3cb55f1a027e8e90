import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mapMemory } from "../../../src/ipc/counts/memory.ts";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";
import { CommonSlotBook } from "../../../src/proxy/slots/slot-book.ts";
import { PredecessorSlots } from "../../../src/supervisor/predecessor-slots.ts";
import { Seats } from "../../../src/supervisor/seats.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { buildAddon } from "../../support/native-addon.ts";

beforeAll(buildAddon);

describe("PredecessorSlots", () => {
  const seats = Seats.create();
  afterAll(() => seats.close());
  const clock = new FakeClock();
  const unlimited = Number.POSITIVE_INFINITY;

  /** A process takes a seat, and writes there. */
  function bookOf(pid: number): CommonSlotBook {
    seats.take(pid);
    const counts = new CommonCounts();
    counts.join(() => mapMemory(seats.descriptor), pid);
    return new CommonSlotBook(counts, { pid, ppid: process.pid });
  }

  test("are what the processes before have, until they are gone, whoever has the number of one later", () => {
    const before = new PredecessorSlots(seats, clock, { proxies: [41], leaving: [42] });
    const [first, second, other] = [bookOf(41), bookOf(42), bookOf(43)];
    first.hold("thing", 2);
    second.hold("thing", 1);
    other.hold("thing", 1);
    expect(before.claims("thing")).toEqual([
      { pid: 41, held: 2, wanted: 0 },
      { pid: 42, held: 1, wanted: 0 },
    ]);
    seats.clear(41);
    before.gone(41);
    bookOf(41).hold("thing", 2);
    expect(before.claims("thing")).toEqual([{ pid: 42, held: 1, wanted: 0 }]);
    for (const pid of [41, 42, 43]) seats.clear(pid);
    before.gone(42);
    expect([before.claims("thing"), before.areHere, seats.holders()]).toEqual([[], false, []]);
  });

  test("are lent and asked back where both sides read what the other has written, at whatever moment", () => {
    const before = new PredecessorSlots(seats, clock, { proxies: [51], leaving: [] });
    const book = bookOf(51);
    book.hold("thing", 1);
    book.want("thing", 4);
    expect(before.claims("thing")).toEqual([{ pid: 51, held: 1, wanted: 4 }]);
    expect(book.read("thing")).toEqual({ lent: 0, keep: unlimited });
    expect(before.lend(51, "thing", 2)).toBe(true);
    before.recall(51, "thing", 0);
    const held = (): number => before.claims("thing")[0]?.held ?? 0;
    expect(held()).toBe(3);
    expect(book.read("thing")).toEqual({ lent: 2, keep: 0 });
    // In between it is counted twice, and never not at all.
    book.hold("thing", 3);
    expect(held()).toBe(5);
    book.take("thing", 2);
    expect(held()).toBe(3);
    before.recall(51, "thing", unlimited);
    expect(before.lend(51, "thing", 1)).toBe(true);
    expect(book.read("thing")).toEqual({ lent: 1, keep: unlimited });
    expect(before.lend(52, "thing", 1)).toBe(false);
    seats.clear(51);
    before.gone(51);
  });

  test("of a process whose number another one had before are not what that one had been lent", () => {
    const first = new PredecessorSlots(seats, clock, { proxies: [61], leaving: [] });
    bookOf(61).want("thing", 3);
    first.lend(61, "thing", 3);
    seats.clear(61);
    // The supervisor after this one has not heard of it.
    const second = new PredecessorSlots(seats, clock, { proxies: [61], leaving: [] });
    const book = bookOf(61);
    expect(book.read("thing").lent).toBe(0);
    book.want("thing", 1);
    expect([book.read("thing").lent, second.claims("thing")]).toEqual([0, [{ pid: 61, held: 0, wanted: 1 }]]);
    second.lend(61, "thing", 1);
    expect(book.read("thing").lent).toBe(1);
    seats.clear(61);
    second.gone(61);
  });

  test("go on to be lent where the supervisor after this one has lost what it had lent", () => {
    const first = new PredecessorSlots(seats, clock, { proxies: [71], leaving: [] });
    const book = bookOf(71);
    book.want("thing", 2);
    first.lend(71, "thing", 2);
    first.recall(71, "thing", 1);
    expect(book.read("thing").keep).toBe(1);
    expect(new PredecessorSlots(seats, clock, { proxies: [71], leaving: [] }).claims("thing")).toHaveLength(
      1,
    );
    expect(book.read("thing").keep).toBe(unlimited);
    book.hold("thing", 2);
    book.take("thing", 2);
    seats.clear(process.pid);
    const second = new PredecessorSlots(seats, clock, { proxies: [71], leaving: [] });
    expect([book.read("thing").lent, second.claims("thing")]).toEqual([0, [{ pid: 71, held: 2, wanted: 2 }]]);
    second.lend(71, "thing", 1);
    expect([book.read("thing").lent, second.claims("thing")]).toEqual([1, [{ pid: 71, held: 3, wanted: 2 }]]);
    seats.clear(71);
    second.gone(71);
  });

  test("are looked at often while one of them wants something, seldom later, and not once they are gone", () => {
    const before = new PredecessorSlots(seats, clock, { proxies: [81], leaving: [] });
    const book = bookOf(81);
    let looks = 0;
    before.watch(() => {
      looks += 1;
      before.claims("thing");
    });
    const looksIn = (ms: number): number => {
      const last = looks;
      clock.advance(ms);
      return looks - last;
    };
    expect(looksIn(10_000)).toBe(500);
    before.released();
    looksIn(1_600);
    expect(looksIn(2_000)).toBe(10);
    book.want("thing", 1);
    looksIn(200);
    expect(looksIn(500)).toBe(25);
    seats.clear(81);
    before.gone(81);
    looksIn(200);
    expect(looksIn(10_000)).toBe(0);
  });
});
