import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  bucketEntries,
  type CountKey,
  headerWords,
  holdersAt,
  keyOf,
  type NameKind,
  seatsAt,
  seatWords,
} from "../../../src/ipc/counts/layout.ts";
import { CountTable } from "../../../src/ipc/counts/count-table.ts";
import type { CountMemory } from "../../../src/ipc/counts/memory.ts";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";

/** Processes with seats in one memory, which come and go. */
class Counting {
  readonly all: { readonly counts: CommonCounts; readonly seat: number; readonly open: string[] }[] = [];
  private readonly memory: CountMemory;
  private readonly seats: Int32Array[] = [];
  private pids = 100;

  constructor() {
    const seat = (at: number): Int32Array => (this.seats[at] ??= new Int32Array(seatWords));
    this.memory = { header: new Int32Array(headerWords), seat };
  }

  start(): void {
    const { header } = this.memory;
    const seat = header.indexOf(0, holdersAt) - holdersAt;
    this.memory.seat(seat).fill(0);
    header[holdersAt + seat] = ++this.pids;
    header[seatsAt] = Math.max(header[seatsAt] ?? 0, seat + 1);
    const counts = new CommonCounts();
    counts.join(() => this.memory, this.pids);
    this.all.push({ counts, seat, open: [] });
  }

  kill(at: number): void {
    const [one] = this.all.splice(at % this.all.length, 1);
    if (one !== undefined) this.memory.header[holdersAt + one.seat] = 0;
  }

  open(name: string): number {
    return this.all.reduce((sum, { open }) => sum + open.filter((one) => one === name).length, 0);
  }
}

const deeds = fc.array(
  fc.record({
    deed: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("enter", "enter", "leave") },
      { weight: 1, arbitrary: fc.constantFrom("kill", "start") },
    ),
    at: fc.nat(),
    name: fc.constantFrom("a", "b", "c"),
  }),
  { maxLength: 120 },
);

/** Gives keys of one bucket. */
const key = (mark: number): CountKey => keyOf(BigInt(mark) << 32n, "source");

const places = (kind: NameKind): number[] =>
  Array.from({ length: 5_000 }, (_, at) => keyOf(BigInt(at * 7919), kind).at);

describe("what processes count in common", () => {
  test("is exactly what they have open, whoever comes and goes: a place is refused if there is none", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), deeds, (most, list) => {
        const counting = new Counting();
        counting.start();
        for (const { at, deed, name } of list) {
          if (deed === "start" && counting.all.length < 5) counting.start();
          if (deed === "kill") counting.kill(at);
          const one = counting.all[at % counting.all.length];
          if (one === undefined) continue;
          const thing = one.counts.key(name, "source");
          const open = counting.open(name);
          if (deed === "enter") {
            expect(one.counts.enter(thing, most)).toBe(open < most);
            if (open < most) one.open.push(name);
          } else if (deed === "leave" && one.open.includes(name)) {
            one.open.splice(one.open.indexOf(name), 1);
            one.counts.leave(thing);
          }
          for (const { counts } of counting.all) expect(counts.count(thing)).toBe(counting.open(name));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("does not grow with names that are gone, and refuses those that there is no room for", () => {
    const table = new CountTable(new Int32Array(seatWords));
    for (let turn = 0; turn < 3; turn++) {
      for (let mark = 1; mark <= bucketEntries; mark++) expect(table.set(key(mark), mark)).toBe(true);
      expect(table.set(key(99), 1)).toBe(false);
      expect(table.count(key(99))).toBe(0);
      expect(table.set(key(3), 7)).toBe(true);
      expect([table.count(key(2)), table.count(key(3))]).toEqual([2, 7]);
      for (let mark = 1; mark <= bucketEntries; mark++) expect(table.set(key(mark), 0)).toBe(true);
    }
  });

  test("keeps what the operator names apart from what comes from anywhere", () => {
    expect(Math.max(...places("configured"))).toBeLessThan(Math.min(...places("source")));
    for (const at of [...places("configured"), ...places("source")]) {
      expect(at % (2 * bucketEntries)).toBe(0);
      expect(at + 2 * bucketEntries).toBeLessThanOrEqual(seatWords);
    }
    expect(keyOf(0n, "source").mark).not.toBe(0);
  });

  test("wants a seat", () => {
    const memory = { header: new Int32Array(headerWords), seat: () => new Int32Array(seatWords) };
    expect(() => new CommonCounts().join(() => memory, 5)).toThrow("no seat");
  });
});
