import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { silentLog } from "../../../src/base/log.ts";
import { Ownership } from "../../../src/vrrp/ownership.ts";

/** A journal that outlives who writes it. */
class FakeJournal {
  entries: ReadonlySet<string>;
  isBroken = false;
  writes = 0;

  constructor(entries: readonly string[] = []) {
    this.entries = new Set(entries);
  }

  note(entries: ReadonlySet<string>): void {
    if (this.isBroken) throw new Error("no space left on device");
    this.writes += 1;
    this.entries = new Set(entries);
  }
}

const open = (journal: FakeJournal, keepsTags = false): Ownership =>
  new Ownership({ journal, log: silentLog, keepsTags });

describe("Ownership", () => {
  test("notes what is about to be added before it is there, and forgets what was not added", () => {
    const journal = new FakeJournal();
    const ownership = open(journal);
    ownership.announce(["a", "b"]);
    expect([...journal.entries]).toEqual(["a", "b"]);
    expect(ownership.has("a")).toBe(false);
    ownership.settle(["a"]);
    expect([...journal.entries]).toEqual(["a"]);
    expect([ownership.has("a"), ownership.hasAny("a"), ownership.has("b")]).toEqual([true, true, false]);
    ownership.forget(["a"]);
    expect([...journal.entries]).toEqual([]);
  });

  test("keeps what an earlier process noted until it is adopted or removed", () => {
    const journal = new FakeJournal(["old", "older"]);
    const ownership = open(journal);
    expect([ownership.isInherited("old"), ownership.has("old")]).toEqual([true, false]);
    ownership.announce(["new"]);
    expect([...journal.entries].toSorted()).toEqual(["new", "old", "older"]);
    ownership.settle(["old"]);
    expect([ownership.isInherited("old"), ownership.has("old")]).toEqual([false, true]);
    ownership.forget(["older"]);
    expect([...ownership.inherited]).toEqual([]);
    expect([...journal.entries]).toEqual(["old"]);
  });

  test("writes nothing of its own where the kernel keeps tags, and empties an old journal in the end", () => {
    const journal = new FakeJournal(["old"]);
    const ownership = open(journal, true);
    ownership.announce(["a"]);
    ownership.settle(["a"]);
    expect([...journal.entries]).toEqual(["old"]);
    ownership.forget(["old"]);
    expect([...journal.entries]).toEqual([]);
    expect(ownership.has("a")).toBe(true);
  });

  test("goes on where the journal cannot be written", () => {
    const journal = new FakeJournal();
    journal.isBroken = true;
    const lines: string[] = [];
    const tell = (line: string): void => void lines.push(line);
    const ownership = new Ownership({
      journal,
      log: { ...silentLog, warning: tell, notice: tell },
      keepsTags: false,
    });
    ownership.announce(["a"]);
    ownership.settle(["a"]);
    ownership.announce(["b"]);
    expect([ownership.has("a"), lines.length]).toEqual([true, 1]);
    journal.isBroken = false;
    ownership.settle(["b"]);
    ownership.settle(["b"]);
    expect([...journal.entries]).toEqual(["a", "b"]);
    expect(lines[1]).toBe("the journal of addresses can be written again");
    expect(lines).toHaveLength(2);
  });

  test("the journal has all that is there, whenever the process dies", () => {
    const key = fc.constantFrom("a", "b", "c", "d");
    const change = fc.record({
      kind: fc.constantFrom<"add" | "remove" | "crash">("add", "add", "remove", "crash"),
      keys: fc.uniqueArray(key, { minLength: 1 }),
      isRefused: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const journal = new FakeJournal();
        const kernel = new Set<string>();
        let ownership = open(journal);
        const isComplete = (): boolean => kernel.isSubsetOf(journal.entries);
        for (const { kind, keys, isRefused } of changes) {
          if (kind === "crash") {
            ownership = open(journal);
            continue;
          }
          if (kind === "add") {
            ownership.announce(keys);
            const added = isRefused ? keys.slice(1) : keys;
            for (const each of added) {
              kernel.add(each);
              expect(isComplete()).toBe(true);
            }
            ownership.settle(added);
          } else {
            for (const each of keys) kernel.delete(each);
            ownership.forget(keys);
          }
          expect(isComplete()).toBe(true);
        }
      }),
    );
  });
});
