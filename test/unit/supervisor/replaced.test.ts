import { expect, test } from "bun:test";
import { Replaced } from "../../../src/supervisor/replaced.ts";
import { recordingLog } from "../../support/recording-log.ts";

class Process {
  readonly deadlines: number[] = [];
  gone: () => void = () => undefined;

  leave(deadlineMs: number): Promise<void> {
    this.deadlines.push(deadlineMs);
    return new Promise((resolve) => {
      const before = this.gone;
      this.gone = () => {
        before();
        resolve();
      };
    });
  }
}

test("Replaced cuts the oldest of five generations off, and says so", async () => {
  const { log, said } = recordingLog();
  const replaced = new Replaced<Process>(log);
  const generations = Array.from({ length: 5 }, () => [new Process(), new Process()]);
  for (const generation of generations.slice(0, 4)) replaced.add(generation, 3_600_000);
  expect(said).toEqual([]);
  replaced.add(generations[4] ?? [], 3_600_000);
  expect(generations.map((generation) => generation.map(({ deadlines }) => deadlines))).toEqual([
    [
      [3_600_000, 0],
      [3_600_000, 0],
    ],
    ...Array.from({ length: 4 }, () => [[3_600_000], [3_600_000]]),
  ]);
  expect(said.join()).toContain("the oldest proxies of 5 generations");
  for (const process of generations[0] ?? []) process.gone();
  await Promise.resolve();
  expect(replaced.all).toHaveLength(8);
});

test("Replaced forgets who is gone, and stops the rest", async () => {
  const replaced = new Replaced<Process>(recordingLog().log);
  const [first, second] = [new Process(), new Process()];
  replaced.add([first, second], 1000);
  replaced.add([], 1000);
  first.gone();
  await Promise.resolve();
  expect(replaced.all).toEqual([second]);
  const stopped = replaced.stop(10);
  expect(second.deadlines).toEqual([1000, 10]);
  second.gone();
  await stopped;
  expect(replaced.all).toEqual([]);
});
