import { expect, test } from "bun:test";
import { headerWords, holdersAt, seatsAt, seatWords } from "../../../src/ipc/counts/layout.ts";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";
import { ServerLoad } from "../../../src/proxy/server-load.ts";

function plan(upperThreshold: number, lowerThreshold = 0): Parameters<ServerLoad["setThresholds"]>[0] {
  return { address: "192.0.2.8", port: 80, weight: 1, probe: null, upperThreshold, lowerThreshold };
}

/** Opens (positive) or closes connections one by one, and tells when it was full. */
function walk(load: ServerLoad, moves: readonly number[]): string {
  return moves
    .map((move) => {
      if (move > 0) load.opened();
      else load.closed();
      return load.looksFull() ? "F" : ".";
    })
    .join("");
}

test("a server is full from the upper threshold on, until it is below the lower one", () => {
  const load = new ServerLoad(new CommonCounts(), "a");
  load.setThresholds(plan(4, 2));
  expect(walk(load, [1, 1, 1, 1, -1, -1, -1, 1, 1])).toBe("...FFF...");
});

test("without a lower threshold it is three quarters", () => {
  const load = new ServerLoad(new CommonCounts(), "a");
  load.setThresholds(plan(8));
  expect(walk(load, [1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1])).toBe(".......FFF.");
});

test("processes count together what they have, and each has all that the others leave", () => {
  const memory = { header: new Int32Array(headerWords), seats: new Map<number, Int32Array>() };
  const seat = (at: number): Int32Array =>
    memory.seats.getOrInsertComputed(at, () => new Int32Array(seatWords));
  const load = (pid: number): ServerLoad => {
    const counts = new CommonCounts();
    counts.join(() => ({ header: memory.header, seat }), pid);
    const made = new ServerLoad(counts, "a");
    made.setThresholds(plan(3, 2));
    return made;
  };
  memory.header.set([7, 8], holdersAt);
  memory.header[seatsAt] = 2;
  const [one, other] = [load(7), load(8)];
  expect(walk(one, [1, 1, 1])).toBe("..F");
  expect(other.looksFull()).toBe(true);
  expect(walk(one, [-1])).toBe("F");
  expect(other.looksFull()).toBe(true);
  expect(walk(one, [-1])).toBe(".");
  expect(other.looksFull()).toBe(false);
  expect(walk(other, [1, 1])).toBe(".F");
  expect(one.looksFull()).toBe(true);
  other.setThresholds(plan(0));
  expect([one.looksFull(), other.looksFull()]).toEqual([false, false]);
});

test("a reload changes thresholds under open connections", () => {
  const load = new ServerLoad(new CommonCounts(), "a");
  walk(load, [1, 1, 1]);
  load.setThresholds(plan(3));
  expect(load.looksFull()).toBe(true);
  load.setThresholds(plan(0));
  expect(load.looksFull()).toBe(false);
});
