import { describe, expect, test } from "bun:test";
import { FlowLimit, type FullReport } from "../../../src/proxy/flow-limit.ts";

interface Flow {
  readonly name: string;
  end(): void;
}

/** A table of flows with a clock, and what became of them. */
function table(most: number): {
  readonly clock: { now: number };
  readonly ended: readonly string[];
  readonly told: readonly FullReport[];
  readonly limit: FlowLimit<Flow>;
  /** Begins a flow; null if there was no room. */
  readonly begin: (name: string) => Flow | null;
} {
  const clock = { now: 0 };
  const ended: string[] = [];
  const told: FullReport[] = [];
  const limit = new FlowLimit<Flow>({ now: () => clock.now, tell: (report) => told.push(report) });
  limit.setMost(most);
  const begin = (name: string): Flow | null => {
    if (!limit.makeRoom()) return null;
    const flow: Flow = {
      name,
      end: () => {
        ended.push(name);
        limit.leave(flow);
      },
    };
    limit.add(flow);
    return flow;
  };
  return { clock, ended, told, limit, begin };
}

describe("the limit of flows", () => {
  test("ends the oldest whose client has not gone on after an answer", () => {
    const { begin, ended, limit } = table(3);
    const first = begin("first");
    begin("second");
    begin("third");
    if (first !== null) limit.settle(first);
    begin("fourth");
    expect(ended).toEqual(["second"]);
    begin("fifth");
    expect(ended).toEqual(["second", "third"]);
    expect(limit.size).toBe(3);
  });

  test("takes no new one when every flow goes to and fro", () => {
    const { begin, ended, limit } = table(2);
    for (const name of ["first", "second"]) {
      const flow = begin(name);
      if (flow !== null) limit.settle(flow);
    }
    expect(begin("third")).toBeNull();
    expect(ended).toEqual([]);
  });

  test("has room again when a flow is over, and takes a smaller limit one by one", () => {
    const { begin, ended, limit } = table(2);
    begin("first")?.end();
    begin("second");
    begin("third");
    expect(ended).toEqual(["first"]);
    limit.setMost(1);
    expect(limit.size).toBe(2);
    begin("fourth");
    expect(ended).toEqual(["first", "second", "third"]);
    expect(limit.size).toBe(1);
  });

  test("tells of a full table at once, and then once a minute with what has happened meanwhile", () => {
    const { begin, clock, told } = table(1);
    begin("1");
    begin("2");
    begin("3");
    begin("4");
    expect(told).toEqual([{ most: 1, ended: 1, refused: 0 }]);
    clock.now = 60_000;
    begin("5");
    expect(told).toEqual([
      { most: 1, ended: 1, refused: 0 },
      { most: 1, ended: 3, refused: 0 },
    ]);
  });
});
