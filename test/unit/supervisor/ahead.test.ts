import { expect, test } from "bun:test";
import { Ahead, type ChildHandlers } from "../../../src/supervisor/ahead.ts";
import type { Child } from "../../../src/supervisor/child.ts";

/** Starts children that are none. */
class Starter {
  readonly heard: ChildHandlers<string>[] = [];
  readonly kills: string[] = [];
  canStart = true;

  readonly start = (handlers: ChildHandlers<string>): Child<string> => {
    if (!this.canStart) throw new Error("no memory");
    const pid = this.heard.push(handlers);
    return { pid, send: () => undefined, kill: (signal) => this.kills.push(`${pid} ${signal}`) };
  };
}

/** A keeper as far as it listens. */
function listener(): ChildHandlers<string> & { readonly heard: string[] } {
  const heard: string[] = [];
  return { heard, onMessage: (message) => heard.push(message), onExit: (how) => heard.push(`ended: ${how}`) };
}

test("what a child has said before its keeper was there waits for it", async () => {
  const starter = new Starter();
  using ahead = new Ahead<string, string>(starter.start);
  starter.heard[0]?.onMessage("hello");
  const keeper = listener();
  expect(ahead.take(keeper).pid).toBe(1);
  // The keeper knows its child first.
  expect(keeper.heard).toEqual([]);
  starter.heard[0]?.onMessage("at once");
  await Promise.resolve();
  expect(keeper.heard).toEqual(["hello", "at once"]);
  starter.heard[0]?.onMessage("later");
  starter.heard[0]?.onExit("SIGKILL");
  expect(keeper.heard).toEqual(["hello", "at once", "later", "ended: SIGKILL"]);
});

test("a child that has ended before its keeper was there is told of, and its successor is a new one", async () => {
  const starter = new Starter();
  const ahead = new Ahead<string, string>(starter.start);
  starter.heard[0]?.onExit("exit status 1");
  const keeper = listener();
  ahead.take(keeper);
  await Promise.resolve();
  expect(keeper.heard).toEqual(["ended: exit status 1"]);
  const next = listener();
  expect(ahead.take(next).pid).toBe(2);
  starter.heard[1]?.onMessage("hello");
  expect(next.heard).toEqual(["hello"]);
  expect(keeper.heard).toEqual(["ended: exit status 1"]);
});

test("a child that nobody has taken is killed in the end, and one that is a keeper's is not", () => {
  const starter = new Starter();
  {
    using _left = new Ahead<string, string>(starter.start);
    using taken = new Ahead<string, string>(starter.start);
    taken.take(listener());
  }
  expect(starter.kills).toEqual(["1 SIGKILL"]);
});

test("that a child has spoken, or never will, is known before its keeper is there", async () => {
  const starter = new Starter();
  using ready = new Ahead<string, string>(starter.start);
  using dead = new Ahead<string, string>(starter.start);
  const known: string[] = [];
  void ready.hasSpoken.then(() => known.push("ready"));
  void dead.hasSpoken.then(() => known.push("dead"));
  await Promise.resolve();
  expect(known).toEqual([]);
  starter.heard[0]?.onMessage("hello");
  starter.heard[1]?.onExit("SIGKILL");
  await Promise.all([ready.hasSpoken, dead.hasSpoken]);
  expect(known).toEqual(["ready", "dead"]);
});

test("that it cannot be started is told to the keeper", async () => {
  const starter = new Starter();
  starter.canStart = false;
  using ahead = new Ahead<string, string>(starter.start);
  await ahead.hasSpoken;
  expect(() => ahead.take(listener())).toThrow("no memory");
});
