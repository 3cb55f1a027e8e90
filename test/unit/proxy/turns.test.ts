import { describe, expect, test } from "bun:test";
import { portionBytes, Turns, type TurnTaker } from "../../../src/proxy/turns.ts";

/** An event loop that goes on when it is told. */
function fakeLoop(): { readonly later: (act: () => void) => void; readonly turn: () => boolean } {
  let next: (() => void)[] = [];
  return {
    later: (act) => void next.push(act),
    turn: () => {
      const acts = next;
      next = [];
      for (const act of acts) act();
      return acts.length > 0;
    },
  };
}

/** Work of so many bytes; `done` tells of each share. */
class Work implements TurnTaker {
  private readonly turns: Turns;
  private left: number;
  private readonly done: (bytes: number) => void;

  constructor(turns: Turns, bytes: number, done: (bytes: number) => void) {
    this.turns = turns;
    this.left = bytes;
    this.done = done;
  }

  itsTurn(): void {
    while (this.left > 0) {
      const share = this.turns.take(this.left, this);
      if (share === 0) return;
      this.left -= share;
      this.done(share);
    }
  }
}

describe("Turns", () => {
  test("allows a portion a turn, whoever wants it, and serves those who wait one after the other, each to its end", () => {
    const { later, turn } = fakeLoop();
    const turns = new Turns(later);
    const done: string[] = [];
    for (const name of ["a", "b", "c"])
      new Work(turns, 2 * portionBytes, (bytes) => done.push(`${name} ${bytes / portionBytes}`)).itsTurn();
    expect(done).toEqual(["a 1"]);
    const all = ["a 1"];
    for (const next of ["a 1", "b 1", "b 1", "c 1", "c 1"]) {
      expect(turn()).toBeTrue();
      expect(done).toEqual([...all, next]);
      all.push(next);
    }
    turn();
    expect(turn()).toBeFalse(); // nobody is left: the loop may sleep
  });

  test("has room for several who want little, and parts no small rest off", () => {
    const { later, turn } = fakeLoop();
    const turns = new Turns(later);
    const done: string[] = [];
    const note = (name: string) => (bytes: number) => done.push(`${name} ${bytes}`);
    new Work(turns, 1000, note("a")).itsTurn();
    new Work(turns, portionBytes - 2000, note("b")).itsTurn();
    new Work(turns, 5000, note("c")).itsTurn(); // 1000 are left
    new Work(turns, 500, note("d")).itsTurn(); // would fit, but c came first
    expect(done).toEqual(["a 1000", `b ${portionBytes - 2000}`]);
    turn();
    expect(done.slice(2)).toEqual(["c 5000", "d 500"]);
  });

  test("forgets who left, and counts what was done unasked", () => {
    const { later, turn } = fakeLoop();
    const turns = new Turns(later);
    const done: number[] = [];
    const work = new Work(turns, 10, (bytes) => done.push(bytes));
    turns.spend(2 * portionBytes);
    work.itsTurn();
    expect(turns.has(work)).toBeTrue();
    turns.leave(work);
    expect(turns.has(work)).toBeFalse();
    turn();
    expect(done).toEqual([]);
  });

  test("one that throws keeps nobody from their turns", () => {
    const { later, turn } = fakeLoop();
    const turns = new Turns(later);
    const done: string[] = [];
    const broken: TurnTaker = {
      itsTurn: () => {
        done.push("broken");
        turns.wait(broken);
        throw new Error("no memory");
      },
    };
    turns.wait(broken);
    for (const name of ["a", "b"]) turns.wait(new Work(turns, 1000, () => done.push(name)));
    expect(turn).toThrow("no memory");
    expect(turn()).toBeTrue();
    expect(done).toEqual(["broken", "a", "b"]);
  });
});
