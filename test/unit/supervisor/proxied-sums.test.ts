import { expect, test } from "bun:test";
import { drainedOpen, trafficOfAll } from "../../../src/supervisor/proxied-sums.ts";

test("connections to drained servers are known when every process has told of the same drain", () => {
  const a = { server: "a", since: "1", open: 2 };
  expect(drainedOpen([[a], [{ ...a, open: 1 }]])).toEqual([{ ...a, open: 3 }]);
  expect(drainedOpen([[a], [{ ...a, since: "2" }]])).toEqual([]);
  expect(drainedOpen([[a], null])).toEqual([]);
  expect(drainedOpen([[a], []])).toEqual([]);
  expect(drainedOpen([])).toEqual([]);
});

test("what passed to a server is the sum over the processes that know it", () => {
  const one = { open: 1, idle: 2, total: 3, failed: 4, inBytes: 5, outBytes: 6, ejected: null };
  expect([...trafficOfAll([{ a: one, b: one }, { a: one }])]).toEqual([
    ["a", { open: 2, idle: 4, total: 6, failed: 8, inBytes: 10, outBytes: 12, ejected: null }],
    ["b", one],
  ]);
});
