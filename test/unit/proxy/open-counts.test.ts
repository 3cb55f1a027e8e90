import { describe, expect, test } from "bun:test";
import { OpenCounts } from "../../../src/proxy/open-counts.ts";
import { seededRandom } from "../../support/seeded-random.ts";

describe("OpenCounts", () => {
  test("tells what has changed, everything each second, and nothing of what came and went", () => {
    const counts = new OpenCounts();
    expect(counts.news(5_000)).toBeNull();
    counts.set("a", 1);
    expect(counts.news(5_000)).toEqual({ isWhole: true, notes: [{ name: "a", count: 1 }] });
    counts.set("b", 2);
    counts.set("c", 1);
    counts.set("c", 0);
    expect(counts.news(5_100)).toEqual({ isWhole: false, notes: [{ name: "b", count: 2 }] });
    expect(counts.news(5_200)).toBeNull();
    counts.set("a", 0);
    expect(counts.news(5_300)).toEqual({ isWhole: false, notes: [{ name: "a", count: 0 }] });
    expect(counts.news(6_000)).toEqual({ isWhole: true, notes: [{ name: "b", count: 2 }] });
    counts.set("a", 1);
    counts.set("b", 1);
    counts.set("a", 0);
    counts.set("b", 0);
    expect(counts.news(7_500)).toEqual({ isWhole: false, notes: [{ name: "b", count: 0 }] });
    expect(counts.news(9_000)).toBeNull();
  });

  test("forgets a process that has become silent", () => {
    const counts = new OpenCounts();
    counts.set("a", 1);
    counts.heard({ from: 2, isWhole: true, notes: [{ name: "a", count: 3 }] }, 0);
    counts.heard({ from: 3, isWhole: true, notes: [{ name: "a", count: 5 }] }, 4_000);
    expect(counts.count("a", 4_000)).toBe(9);
    expect(counts.count("a", 6_000)).toBe(6);
    counts.heard({ from: 3, isWhole: true, notes: [] }, 6_000);
    expect(counts.count("a", 6_000)).toBe(1);
  });

  test("comes to the same in all processes, however much is open and whoever came late", () => {
    const random = seededRandom(5);
    const processes = [1, 2, 3].map((from) => ({ from, counts: new OpenCounts() }));
    let now = 1_000;
    const tell = (): void => {
      for (const { counts, from } of processes) {
        const news = counts.news(now);
        if (news !== null)
          for (const other of processes) if (other.from !== from) other.counts.heard({ from, ...news }, now);
      }
    };
    for (let turn = 0; turn < 300; turn++) {
      now += 50;
      if (turn === 100) processes.push({ from: 4, counts: new OpenCounts() });
      for (const { counts } of processes)
        for (let at = 0; at < 100; at++)
          counts.set(`n${Math.trunc(random() * 7_000)}`, Math.trunc(random() * 3));
      tell();
    }
    // A second without changes tells whoever came late everything, though more is open than is told at a time.
    for (let turn = 0; turn < 25; turn++) {
      now += 50;
      tell();
    }
    for (let at = 0; at < 7_000; at++) {
      const sums = new Set(processes.map(({ counts }) => counts.count(`n${at}`, now)));
      expect(sums.size).toBe(1);
    }
  });
});
