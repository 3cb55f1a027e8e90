import { describe, expect, test } from "bun:test";
import type { SlotNote } from "../../../../src/ipc/slot-news.ts";
import { SlotHolding } from "../../../../src/proxy/slots/slot-holding.ts";

/** A process of two that may have two of four slots in use, and what it has said. */
function holdingOfTwo(): {
  readonly holding: SlotHolding;
  readonly said: SlotNote[];
  readonly use: { inUse: number; waiting: number };
} {
  const said: SlotNote[] = [];
  const use = { inUse: 0, waiting: 0 };
  const holding = new SlotHolding("thing", {
    say: (note) => void said.push(note),
    wake: () => undefined,
    now: () => 1_000,
  });
  holding.serve(
    use,
    () => use.waiting,
    () => undefined,
  );
  holding.configure(4, 2);
  holding.heard({ kind: "lent", name: "thing", count: 2, answers: 1 });
  use.inUse = 2;
  return { holding, said, use };
}

describe("SlotHolding", () => {
  test("asks anew where it gives something back before it is answered: that answer is none any more", () => {
    const { holding, said, use } = holdingOfTwo();
    holding.ask(1);
    use.waiting = 1;
    expect(said.at(-1)).toMatchObject({ question: 2, wanted: 3 });
    holding.heard({ kind: "recall", name: "thing", number: 1, short: 1, keep: 1 });
    expect(said.at(-1)).toMatchObject({ question: null, returned: 0, obeys: 1 });
    use.inUse = 1;
    use.waiting = 2;
    holding.roomMade();
    expect(said.at(-1)).toMatchObject({ question: null, returned: 1, wanted: 3 });
    holding.heard({ kind: "lent", name: "thing", count: 0, answers: 2 });
    expect(holding.isAsking).toBe(true);
    holding.again();
    expect(said.at(-1)).toMatchObject({ question: 3, returned: 0, wanted: 3 });
    holding.heard({ kind: "lent", name: "thing", count: 0, answers: 3 });
    expect(holding.isAsking).toBe(false);
  });

  test("may ask at once after an answer that nobody waits for any more", () => {
    const { holding, said, use } = holdingOfTwo();
    holding.ask(1);
    use.waiting = 1;
    use.inUse = 1;
    holding.heard({ kind: "lent", name: "thing", count: 0, answers: 2 });
    use.inUse = 2;
    holding.ask(1);
    expect([holding.isAsking, said.at(-1)?.question]).toEqual([true, 3]);
  });
});
