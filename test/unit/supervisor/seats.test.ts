import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { mapMemory } from "../../../src/ipc/counts/memory.ts";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";
import { Seats } from "../../../src/supervisor/seats.ts";
import type { CountingOrder } from "../../support/counting-thread.ts";
import { buildAddon } from "../../support/native-addon.ts";
import { recordingLog } from "../../support/recording-log.ts";

beforeAll(buildAddon);

function joined(seats: Seats, pid: number): CommonCounts {
  const counts = new CommonCounts();
  counts.join(() => mapMemory(seats.descriptor), pid);
  return counts;
}

/** Has threads fight for places, and gives how often too many had one, and how many got one. */
async function fight(
  seats: Seats,
  most: number,
): Promise<{ readonly tooMany: number; readonly got: number }> {
  const gauge = new Int32Array(new SharedArrayBuffer(12));
  const pids = [11, 12, 13];
  for (const pid of pids) seats.take(pid);
  const entry = fileURLToPath(new URL("../../support/counting-thread.ts", import.meta.url));
  await Promise.all(
    pids.map(async (pid) => {
      const order: CountingOrder = { descriptor: seats.descriptor, pid, most, turns: 50_000, gauge };
      const thread = new Worker(entry, { workerData: order });
      await once(thread, "exit");
    }),
  );
  for (const pid of pids) seats.clear(pid);
  return { tooMany: gauge[1] ?? 0, got: gauge[2] ?? 0 };
}

describe("Seats", () => {
  const seats = Seats.create();
  afterAll(() => seats.close());

  test("let processes that run at the same time have as many places as there are, and never more", async () => {
    for (const most of [1, 2]) {
      const { got, tooMany } = await fight(seats, most);
      expect(tooMany).toBe(0);
      expect(got).toBeGreaterThan(0);
    }
    // With room for all of them nobody is ever refused.
    expect(await fight(seats, 3)).toEqual({ tooMany: 0, got: 150_000 });
  });

  test("count what a process has until it is gone, and give its seat to another with nothing in it", () => {
    for (const pid of [21, 22]) seats.take(pid);
    const [first, second] = [joined(seats, 21), joined(seats, 22)];
    const key = first.key("thing", "configured");
    expect([first.enter(key, 2), first.enter(key, 2), second.enter(key, 2)]).toEqual([true, true, false]);
    seats.clear(21);
    expect([second.count(key), second.enter(key, 2)]).toEqual([0, true]);
    seats.take(23);
    const third = joined(seats, 23);
    expect([seats.countOf(23, key), third.count(key)]).toEqual([0, 1]);
    for (const pid of [22, 23]) seats.clear(pid);
    expect(seats.holders()).toEqual([]);
  });

  test("go on with what the program before has left, but for processes that are no more", () => {
    const { log, said } = recordingLog();
    for (const pid of [31, 32]) seats.take(pid);
    const key = seats.key("thing", "source");
    for (const pid of [31, 32]) expect(joined(seats, pid).enter(key, 9)).toBe(true);
    const left = { counts: seats.descriptor, proxies: [32], leaving: [40] };
    const later = Seats.goOnWith(left, log);
    later.take(33);
    const fresh = joined(later, 33);
    expect([later.holders(), fresh.count(fresh.key("thing", "source"))]).toEqual([[33, 32], 1]);
    expect([31, 32, 33].map((pid) => later.countOf(pid, key))).toEqual([0, 1, 0]);
    expect(said).toEqual([]);
  });

  test("begin anew where nothing was left, or nothing that is understood", () => {
    const { log, said } = recordingLog();
    const stranger = Seats.create();
    const header = new Int32Array(Bun.mmap(`/proc/self/fd/${stranger.descriptor}`, { size: 4 }).buffer);
    header[0] = 99;
    const fresh = Seats.goOnWith({ counts: stranger.descriptor, proxies: [], leaving: [] }, log);
    expect(fresh.holders()).toEqual([]);
    expect(said.join()).toContain("memory for counts is of another form");
    fresh.close();
    const other = Seats.goOnWith(null, log);
    expect(other.key("a", "source")).not.toEqual(fresh.key("a", "source"));
    other.close();
  });
});
