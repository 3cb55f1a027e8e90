import { expect, test } from "bun:test";
import type { FromProxy, ToProxy } from "../../../src/ipc/messages.ts";
import type { Child, ChildOptions } from "../../../src/supervisor/child.ts";
import { startProxy } from "../../../src/supervisor/proxy-child.ts";

const alive = (): void => undefined;

/** Starts a process that is none, with seats that may fail; writes down what is done. */
function starting(fault: Error | null): {
  readonly done: readonly string[];
  readonly start: () => Child<ToProxy>;
  readonly exits: (how: string) => void;
} {
  const done: string[] = [];
  let exits: (how: string) => void = alive;
  const run = ({ descriptors, onExit }: ChildOptions<FromProxy>): Child<ToProxy> => {
    exits = onExit;
    done.push(`started with ${descriptors.join(" ")}`);
    return { pid: 71, send: () => undefined, kill: (signal) => void done.push(signal) };
  };
  const seats = {
    descriptor: 9,
    take: (pid: number): void => {
      if (fault !== null) throw fault;
      done.push(`${pid} seated`);
    },
    clear: (pid: number) => void done.push(`${pid} cleared`),
  };
  const onExit = (how: string): void => void done.push(how);
  const options = { descriptors: [4, 5], user: null, onMessage: () => undefined, onExit };
  return { done, start: () => startProxy(seats, options, run), exits: (how) => exits(how) };
}

test("a proxy process has a seat until it is gone", () => {
  const { done, exits, start } = starting(null);
  expect(start().pid).toBe(71);
  exits("exit status 1");
  expect(done).toEqual(["started with 4 5 9", "71 seated", "71 cleared", "exit status 1"]);
});

test("one that gets no seat is ended, and who started it hears of that once", () => {
  const { done, exits, start } = starting(new Error("no memory"));
  expect(start).toThrow("no memory");
  exits("SIGKILL");
  expect(done).toEqual(["started with 4 5 9", "SIGKILL"]);
});
