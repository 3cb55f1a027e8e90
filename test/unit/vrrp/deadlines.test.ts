import { describe, expect, test } from "bun:test";
import { later, type Instant } from "../../../src/base/instant.ts";
import { Deadlines } from "../../../src/vrrp/deadlines.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function setUp(): { clock: FakeClock; deadlines: Deadlines; fired: string[] } {
  const clock = new FakeClock();
  let cancel: (() => void) | null = null;
  const alarm = {
    set(at: Instant, action: () => void): void {
      cancel?.();
      cancel = clock.schedule(at, action);
    },
    clear: (): void => cancel?.(),
  };
  return { clock, deadlines: new Deadlines({ clock, alarm }), fired: [] };
}

describe("Deadlines", () => {
  test("fire in order of time, whatever the order they were set in", () => {
    const { clock, deadlines, fired } = setUp();
    for (const [name, ms] of [
      ["late", 30],
      ["early", 10],
      ["middle", 20],
    ] as const) {
      deadlines.set(name, later(clock.now(), ms), () => fired.push(name));
    }
    clock.advance(25);
    expect(fired).toEqual(["early", "middle"]);
    clock.advance(25);
    expect(fired).toEqual(["early", "middle", "late"]);
  });

  test("are replaced by name and forgotten when cleared", () => {
    const { clock, deadlines, fired } = setUp();
    deadlines.set("a", later(clock.now(), 10), () => fired.push("first"));
    deadlines.set("a", later(clock.now(), 20), () => fired.push("second"));
    deadlines.set("b", later(clock.now(), 5), () => fired.push("b"));
    deadlines.clear("b");
    clock.advance(100);
    expect(fired).toEqual(["second"]);
  });

  test("may be set and cleared while others fire", () => {
    const { clock, deadlines, fired } = setUp();
    const now = clock.now();
    deadlines.set("a", later(now, 10), () => {
      fired.push("a");
      deadlines.clear("b");
      deadlines.set("c", later(now, 10), () => fired.push("c"));
    });
    deadlines.set("b", later(now, 10), () => fired.push("b"));
    clock.advance(10);
    expect(fired).toEqual(["a", "c"]);
  });

  test("fire in the order they were set in when they are for the same time", () => {
    const { clock, deadlines, fired } = setUp();
    const at = later(clock.now(), 10);
    for (const name of ["a", "b", "c", "d"]) deadlines.set(name, at, () => fired.push(name));
    clock.advance(10);
    expect(fired).toEqual(["a", "b", "c", "d"]);
  });

  test("fire at their own time, however often they were put off", () => {
    const { clock, deadlines, fired } = setUp();
    for (let ms = 1; ms <= 1000; ms++) {
      deadlines.set("a", later(clock.now(), 3), () => fired.push(`a ${ms}`));
      if (ms % 100 === 0) deadlines.set("b", later(clock.now(), 2), () => fired.push(`b ${ms}`));
      clock.advance(1);
    }
    clock.advance(10);
    const tens = Array.from({ length: 10 }, (_, index) => `b ${(index + 1) * 100}`);
    expect(fired).toEqual([...tens, "a 1000"]);
  });
});
