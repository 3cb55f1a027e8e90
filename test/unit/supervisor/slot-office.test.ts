import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type SlotProcess, SlotProcesses } from "../../support/slot-processes.ts";

type Deed = "begin" | "end" | "hear" | "tell" | "tick" | "kill" | "drain" | "lower" | "raise";

const deeds = fc.array(
  fc.record({
    deed: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom<Deed>("begin", "end", "hear", "tell") },
      { weight: 1, arbitrary: fc.constantFrom<Deed>("tick", "kill", "drain") },
    ),
    at: fc.nat(),
  }),
  { maxLength: 300 },
);

function act(processes: SlotProcesses, deed: Deed, at: number): void {
  const one = processes.all[at % processes.all.length];
  if (deed === "tick" || one === undefined) return processes.tick();
  if (deed === "begin") one.begin();
  if (deed === "end") one.end();
  if (deed === "hear") processes.hear(one);
  if (deed === "tell") processes.tell(one);
  if (deed === "kill") processes.kill(one);
  if (deed === "drain") one.holding.leave();
  if (deed === "kill" || deed === "drain") processes.start(3);
  if (deed === "lower") processes.limit(Math.max(1, processes.most - 1 - (at % 5)));
  if (deed === "raise") processes.limit(processes.most + 1 + (at % 5));
}

/** Lets so many requests end one after another, with all that is said meanwhile. */
function turnOver(processes: SlotProcesses, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    processes.tick();
    processes.deliver();
    for (const one of processes.all) one.end();
    processes.deliver();
  }
}

/** Has more requests come to one process than there are slots, with all that is said until it has what it can get. */
function useAll(processes: SlotProcesses, busy: SlotProcess | undefined): void {
  if (busy === undefined) throw new Error("nobody");
  for (let request = 0; request < 50; request++) busy.begin();
  for (let turn = 0; turn < 60; turn++) {
    processes.tick();
    processes.deliver();
  }
}

describe("slots that processes share", () => {
  test("are never more than there are, in whatever order words come, processes die and others come", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), deeds, (most, list) => {
        const processes = new SlotProcesses(most, 3);
        for (const { at, deed } of list) {
          act(processes, deed, at);
          expect(processes.lent).toBeLessThanOrEqual(most);
          expect(processes.inUse).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  test("are answered for, whatever has happened, once all is said", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), deeds, (most, list) => {
        const processes = new SlotProcesses(most, 3);
        for (const { at, deed } of list) act(processes, deed, at);
        for (let turn = 0; turn < 2; turn++) {
          processes.deliver();
          processes.tick();
        }
        processes.deliver();
        // Who has left everything is not told any more.
        for (const { holding } of processes.all) if (!holding.isOver) expect(holding.isAsking).toBe(false);
      }),
    );
  });

  test("are all there for the one process that has a use for them, whatever has happened", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), deeds, (most, list) => {
        const processes = new SlotProcesses(most, 3);
        for (const { at, deed } of list) act(processes, deed, at);
        for (const one of processes.all) {
          one.waiting = 0;
          while (one.inUse > 0) one.end();
        }
        processes.start(1);
        const busy = processes.all[most % 2 === 0 ? 0 : processes.all.length - 1];
        useAll(processes, busy);
        expect(busy?.inUse).toBe(most);
        expect(processes.lent).toBe(most);
      }),
    );
  });

  test("are never more than there are when another program takes over, and all there once those before are done", () => {
    const takeovers = fc.array(
      fc.record({
        deed: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom<Deed>("begin", "end", "hear", "tell") },
          {
            weight: 1,
            arbitrary: fc.constantFrom<Deed | "succeed" | "release" | "look">(
              "tick",
              "kill",
              "succeed",
              "release",
              "look",
            ),
          },
        ),
        at: fc.nat(),
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), takeovers, (most, list) => {
        const processes = new SlotProcesses(most, 3);
        for (const { at, deed } of list) {
          const old = processes.before[at % Math.max(1, processes.before.length)];
          if (deed === "succeed") processes.succeed(1 + (at % 3));
          else if (deed === "release") processes.release();
          else if (deed === "look") processes.office.look();
          else if (deed === "begin" && at % 2 === 0) old?.begin();
          else if (deed === "end" && at % 2 === 0) old?.end();
          else if (deed === "hear" && at % 2 === 0) old?.read();
          else if (deed === "tell" && at % 2 === 0) old?.write();
          else act(processes, deed, at);
          expect(processes.lent).toBeLessThanOrEqual(most);
          expect(processes.inUse).toBeLessThanOrEqual(most);
        }
        processes.release();
        for (const one of [...processes.all, ...processes.before]) {
          one.waiting = 0;
          while (one.inUse > 0) one.end();
        }
        for (let turn = 0; turn < 3; turn++) processes.tick();
        expect(processes.heldBefore).toBe(0);
        // Nobody is told any more to keep less than it could.
        for (const { found } of processes.before) expect(found.keep).toBe(Number.POSITIVE_INFINITY);
        const [busy] = processes.all;
        useAll(processes, busy);
        expect(busy?.inUse).toBe(most);
      }),
    );
  });

  test("are waited for while those of the program before are about to give some back, and their share is there at once", () => {
    const processes = new SlotProcesses(8, 2);
    processes.deliver();
    const [first] = processes.all;
    first?.begin();
    processes.succeed(2);
    processes.deliver();
    // Of 4 and 4 one is in use: 3 and 4 are parted.
    expect(processes.heldBefore).toBe(5);
    const [busy] = processes.all;
    if (busy === undefined) throw new Error("nobody");
    for (let request = 0; request < 9; request++) busy.begin();
    processes.tick();
    processes.deliver();
    expect([busy.inUse, busy.waiting, busy.holding.isAsking]).toEqual([4, 5, true]);
    processes.release();
    processes.deliver();
    expect([busy.inUse, busy.holding.isAsking]).toEqual([7, false]);
    first?.end();
    processes.tick();
    processes.deliver();
    expect(busy.inUse).toBe(8);
  });

  test("go to a process of the program before that has none, while others of it use all of them", () => {
    const processes = new SlotProcesses(4, 3);
    const [full, empty] = processes.all;
    if (full === undefined || empty === undefined) throw new Error("nobody");
    for (let request = 0; request < 20; request++) full.begin();
    turnOver(processes, 2);
    while (full.inUse < 4) full.begin();
    processes.succeed(2);
    for (let request = 0; request < 3; request++) empty.begin();
    const fresh = processes.all;
    for (const one of fresh) for (let request = 0; request < 20; request++) one.begin();
    let most = 0;
    for (let round = 0; round < 40; round++) {
      if (round === 10) processes.release();
      processes.tick();
      processes.deliver();
      most = Math.max(most, processes.inUse);
      for (const one of [...processes.before, ...fresh]) one.end();
    }
    expect([empty.waiting, most]).toEqual([0, 4]);
    for (const { waiting } of fresh) expect(waiting).toBe(0);
  });

  test("are still lent among those of the program before where nothing is limited any more", () => {
    const processes = new SlotProcesses(2, 2);
    const [full, empty] = processes.all;
    if (full === undefined || empty === undefined) throw new Error("nobody");
    processes.deliver();
    for (let request = 0; request < 9; request++) full.begin();
    turnOver(processes, 2);
    processes.succeed(0);
    for (let request = 0; request < 3; request++) empty.begin();
    for (let round = 0; round < 30; round++) {
      processes.tick();
      for (const one of processes.before) one.end();
    }
    expect([empty.waiting, full.waiting]).toEqual([0, 0]);
  });

  test("that were asked for and are not needed any more when the answer comes leave the next request free to ask", () => {
    const processes = new SlotProcesses(4, 2);
    processes.deliver();
    const [busy, other] = processes.all;
    if (busy === undefined || other === undefined) throw new Error("nobody");
    other.begin();
    for (let request = 0; request < 4; request++) busy.begin();
    for (let request = 0; request < 2; request++) busy.end();
    processes.tick();
    processes.deliver();
    busy.begin();
    expect([busy.inUse, busy.waiting, busy.holding.isAsking]).toEqual([2, 1, true]);
  });

  test("are asked for again where somebody has said meanwhile that it does not use its own any more", () => {
    const processes = new SlotProcesses(3, 3);
    processes.deliver();
    const [a, b, c] = processes.all;
    if (a === undefined || b === undefined || c === undefined) throw new Error("nobody");
    for (const [one, requests] of [
      [a, 2],
      [b, 2],
      [c, 1],
    ] as const)
      for (let request = 0; request < requests; request++) one.begin();
    for (const one of [a, b]) processes.hear(one);
    processes.tell(b);
    processes.hear(b);
    for (let request = 0; request < 2; request++) b.end();
    processes.tick();
    processes.hear(b);
    processes.deliver();
    expect([a.inUse, a.waiting]).toEqual([2, 0]);
  });

  test("are asked for again at once if more has come to want them than had been asked for", () => {
    const processes = new SlotProcesses(50, 2);
    processes.deliver();
    const [busy, idle] = processes.all;
    if (busy === undefined || idle === undefined) throw new Error("nobody");
    for (let request = 0; request < 26; request++) busy.begin();
    processes.hear(busy);
    for (let request = 0; request < 3; request++) busy.begin();
    processes.tick();
    processes.hear(busy);
    processes.tell(idle);
    processes.hear(idle);
    while (busy.told.length > 0) processes.tell(busy);
    // Three wait, and nobody has said that there is nothing left for them.
    expect([busy.inUse, busy.waiting, busy.holding.isAsking]).toEqual([26, 3, true]);
    processes.deliver();
    expect([busy.inUse, busy.waiting]).toEqual([29, 0]);
  });

  test("are lent again where no other program has come, and everybody hears that they are", () => {
    const processes = new SlotProcesses(4, 2);
    processes.deliver();
    const [a] = processes.all;
    processes.office.pause();
    for (let request = 0; request < 4; request++) a?.begin();
    processes.deliver();
    expect([a?.inUse, a?.waiting]).toEqual([2, 2]);
    processes.office.goOn();
    processes.deliver();
    expect([a?.inUse, a?.waiting]).toEqual([4, 0]);
    processes.office.pause();
    const before = processes.all.map(({ addressed }) => addressed);
    processes.office.goOn();
    expect(processes.all.map(({ addressed }) => addressed)).toEqual(before.map((count) => count + 1));
  });

  test("are fewer once the limit is lowered, and not more before", () => {
    const changes = fc.array(
      fc.record({
        deed: fc.constantFrom<Deed>("begin", "end", "hear", "tell", "tick", "kill", "lower", "raise"),
        at: fc.nat(),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), changes, (first, list) => {
        const processes = new SlotProcesses(first, 3);
        let highest = first;
        for (const { at, deed } of list) {
          act(processes, deed, at);
          highest = Math.max(highest, processes.most);
          expect(processes.lent).toBeLessThanOrEqual(highest);
        }
        for (const one of processes.all) one.waiting = 0;
        turnOver(processes, 100);
        expect(processes.inUse).toBe(0);
        expect(processes.lent).toBeLessThanOrEqual(processes.most);
        for (const one of processes.all) for (let request = 0; request < 30; request++) one.begin();
        turnOver(processes, 5);
        processes.tick();
        processes.deliver();
        expect(processes.inUse).toBe(processes.most);
      }),
    );
  });

  test("are parted evenly by processes that could all use them", () => {
    const processes = new SlotProcesses(10, 4);
    const [first] = processes.all;
    for (let request = 0; request < 1_000; request++) first?.begin();
    turnOver(processes, 3);
    expect(first?.inUse).toBe(10);
    for (const one of processes.all) for (let request = 0; request < 1_000; request++) one.begin();
    turnOver(processes, 20);
    processes.deliver();
    for (const { inUse } of processes.all) expect([1, 2, 3]).toContain(inUse);
    expect(processes.inUse).toBeGreaterThanOrEqual(9);
  });

  test("go by turns where there are fewer of them than processes", () => {
    const processes = new SlotProcesses(1, 3);
    for (const one of processes.all) for (let request = 0; request < 1_000; request++) one.begin();
    const done = processes.all.map(() => 0);
    for (let round = 0; round < 60; round++) {
      processes.tick();
      processes.deliver();
      for (const [at, one] of processes.all.entries()) {
        done[at] = (done[at] ?? 0) + one.inUse;
        one.end();
      }
      processes.deliver();
    }
    for (const count of done) expect(count).toBeGreaterThanOrEqual(15);
  });

  test("are waited for until it is known that there are no more, and not longer", () => {
    const processes = new SlotProcesses(4, 2);
    processes.deliver();
    const [a, b] = processes.all;
    if (a === undefined || b === undefined) throw new Error("nobody");
    for (let request = 0; request < 2; request++) b.begin();
    for (let request = 0; request < 3; request++) a.begin();
    expect([a.inUse, a.holding.isAsking]).toEqual([2, true]);
    processes.deliver();
    expect([a.inUse, a.waiting, a.holding.isAsking]).toEqual([2, 1, false]);
    b.end();
    processes.tick();
    processes.deliver();
    expect([a.inUse, a.waiting]).toEqual([3, 0]);
  });

  test("that a process has which says nothing are its own until it is gone", () => {
    const processes = new SlotProcesses(4, 2);
    processes.deliver();
    const [a, b] = processes.all;
    if (a === undefined || b === undefined) throw new Error("nobody");
    for (let request = 0; request < 4; request++) a.begin();
    processes.hear(a);
    processes.now += 999;
    expect(a.holding.isAsking).toBe(true);
    processes.now += 1;
    expect(a.holding.isAsking).toBe(false);
    expect([a.inUse, a.waiting]).toEqual([2, 2]);
    processes.kill(b);
    processes.deliver();
    expect([a.inUse, a.waiting]).toEqual([4, 0]);
  });
});
