import { expect, test } from "bun:test";
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
      return load.isFull ? "F" : ".";
    })
    .join("");
}

test("a server is full from the upper threshold on, until it is below the lower one", () => {
  const load = new ServerLoad();
  load.setThresholds(plan(4, 2), 1);
  expect(walk(load, [1, 1, 1, 1, -1, -1, -1, 1, 1])).toBe("...FFF...");
});

test("without a lower threshold it is three quarters", () => {
  const load = new ServerLoad();
  load.setThresholds(plan(8), 1);
  expect(walk(load, [1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1])).toBe(".......FFF.");
});

test("processes share the thresholds among them", () => {
  const load = new ServerLoad();
  load.setThresholds(plan(4, 3), 4);
  expect(walk(load, [1, -1, 1])).toBe("F.F");
});

test("a reload changes thresholds under open connections", () => {
  const load = new ServerLoad();
  walk(load, [1, 1, 1]);
  load.setThresholds(plan(3), 1);
  expect(load.isFull).toBe(true);
  load.setThresholds(plan(0), 1);
  expect(load.isFull).toBe(false);
});
