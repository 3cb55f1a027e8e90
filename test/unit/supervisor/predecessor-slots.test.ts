import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mapMemory } from "../../../src/ipc/counts/memory.ts";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";
import { PredecessorSlots } from "../../../src/supervisor/predecessor-slots.ts";
import { Seats } from "../../../src/supervisor/seats.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { buildAddon } from "../../support/native-addon.ts";

beforeAll(buildAddon);

describe("PredecessorSlots", () => {
  const seats = Seats.create();
  afterAll(() => seats.close());

  /** A process has a seat, and something in it. */
  function hasIn(pid: number, count: number): void {
    seats.take(pid);
    const counts = new CommonCounts();
    counts.join(() => mapMemory(seats.descriptor), pid);
    const key = counts.key("thing", "configured");
    for (let at = 0; at < count; at++) expect(counts.enter(key, 9)).toBe(true);
  }

  test("are what the processes before have, until they are gone, whoever has the number of one later", () => {
    const before = new PredecessorSlots(seats, new FakeClock(), { proxies: [41], leaving: [42] });
    hasIn(41, 2);
    hasIn(42, 1);
    hasIn(43, 1);
    expect(before.held("thing")).toBe(3);
    seats.clear(41);
    before.gone(41);
    expect(before.held("thing")).toBe(1);
    hasIn(41, 2);
    expect(before.held("thing")).toBe(1);
    seats.clear(42);
    before.gone(42);
    expect(before.held("thing")).toBe(0);
  });
});
