import { expect, test } from "bun:test";
import { silenceLimitMs, startLimitMs } from "../../../src/supervisor/keeper.ts";
import { makeKeeper } from "../../support/puppet-child.ts";

test("a keeper configures a child that says hello and reports how that went", async () => {
  const { children, keeper } = makeKeeper();
  const outcome = keeper.start();
  children[0]?.say({ kind: "hello" });
  expect(children[0]?.heard).toEqual(["plan for 1"]);
  expect(keeper.isServing).toBe(false);
  children[0]?.say({ kind: "configured" });
  expect(await outcome).toEqual({ kind: "configured" });
  expect(keeper.isServing).toBe(true);
});

test("a keeper starts a child at once when it dies, and gives it its plan again", () => {
  const { children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "configured" });
  children[0]?.die("SIGKILL");
  expect(keeper.isServing).toBe(false);
  expect(children.length).toBe(2);
  children[1]?.say({ kind: "hello" });
  expect(children[1]?.heard).toEqual(["plan for 2"]);
  expect(keeper.status("puppet").restarts).toBe(1);
});

test("a keeper waits longer before each further start when the child dies young", () => {
  const { clock, children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.die("exit status 1");
  children[1]?.die("exit status 1");
  expect(children.length).toBe(2);
  clock.advance(99);
  expect(children.length).toBe(2);
  clock.advance(1);
  expect(children.length).toBe(3);
});

test("a keeper kills a child that has been silent for too long", () => {
  const { clock, children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "configured" });
  clock.advance(silenceLimitMs);
  expect(children[0]?.signals).toEqual([]);
  clock.advance(1_000);
  expect(children[0]?.signals).toEqual(["SIGKILL"]);
});

test("a keeper gives a child more time to start than to go on", () => {
  const { clock, children, keeper } = makeKeeper();
  void keeper.start();
  clock.advance(startLimitMs);
  expect(children[0]?.signals).toEqual([]);
  clock.advance(1_000);
  expect(children[0]?.signals).toEqual(["SIGKILL"]);
});

test("a keeper that was frozen itself does not blame the child for the silence", () => {
  const { clock, children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "configured" });
  clock.freeze(60_000);
  clock.advance(1_000);
  expect(children[0]?.signals).toEqual([]);
  clock.advance(silenceLimitMs + 1_000);
  expect(children[0]?.signals).toEqual(["SIGKILL"]);
});

test("a keeper reports a refusal when the child dies before it has answered", async () => {
  const { children, keeper } = makeKeeper();
  const outcome = keeper.start();
  children[0]?.die("SIGSEGV");
  expect(await outcome).toEqual({ kind: "refused", reason: "puppet died: SIGSEGV" });
});

test("a keeper that stops kills a child that does not leave, and starts no other", async () => {
  const { clock, children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "configured" });
  const gone = keeper.stop("leave", 500);
  expect(children[0]?.heard).toEqual(["leave"]);
  clock.advance(500);
  expect(children[0]?.signals).toEqual(["SIGKILL"]);
  children[0]?.die("SIGKILL");
  await gone;
  expect(children.length).toBe(1);
});

test("a keeper that stops waits longer for a child that shows that it goes on, but not for ever", async () => {
  const { clock, children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "configured" });
  const gone = keeper.stop("leave", 500, 2_000);
  for (let passed = 0; passed < 1_600; passed += 400) {
    clock.advance(400);
    children[0]?.say({ kind: "alive" });
  }
  expect(children[0]?.signals).toEqual([]);
  clock.advance(399);
  children[0]?.say({ kind: "alive" });
  expect(children[0]?.signals).toEqual([]);
  clock.advance(1);
  expect(children[0]?.signals).toEqual(["SIGKILL"]);
  children[0]?.die("SIGKILL");
  await gone;
  const silent = makeKeeper();
  void silent.keeper.start();
  void silent.keeper.stop("leave", 500, 2_000);
  silent.clock.advance(500);
  expect(silent.children[0]?.signals).toEqual(["SIGKILL"]);
});

test("a keeper sends a new plan to a child that has the old one but has not answered yet, and waits for that answer", async () => {
  const { children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "hello" });
  children[0]?.say({ kind: "configured" });
  children[0]?.die("SIGKILL");
  children[1]?.say({ kind: "hello" });
  const outcome = keeper.configure("a new plan");
  expect(children[1]?.heard).toEqual(["plan for 2", "a new plan"]);
  children[1]?.say({ kind: "configured" });
  children[1]?.say({ kind: "refused", reason: "no room" });
  expect(await outcome).toEqual({ kind: "refused", reason: "no room" });
});

test("a keeper reports a plan as taken by a child that has not said hello, as that one starts with it", async () => {
  const { children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "hello" });
  children[0]?.say({ kind: "configured" });
  children[0]?.die("SIGKILL");
  expect(await keeper.configure("a new plan")).toEqual({ kind: "configured" });
  expect(children[1]?.heard).toEqual([]);
});

test("a keeper kills a child that came back and refuses its plan, so that it is tried again", () => {
  const { children, keeper } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "hello" });
  children[0]?.say({ kind: "configured" });
  children[0]?.say({ kind: "refused", reason: "a plan it does not like, with the old one in force" });
  expect(children[0]?.signals).toEqual([]);
  children[0]?.die("SIGKILL");
  children[1]?.say({ kind: "hello" });
  children[1]?.say({ kind: "refused", reason: "no room" });
  expect(children[1]?.signals).toEqual(["SIGKILL"]);
});

test("a keeper that is retired lets its child end without another", () => {
  const { children, keeper } = makeKeeper();
  void keeper.start();
  keeper.retire();
  children[0]?.die("exit status 0");
  expect(children.length).toBe(1);
});

test("a keeper leaves a child alone that refuses at the very first start, as that fails as a whole", async () => {
  const { children, keeper } = makeKeeper();
  const outcome = keeper.start();
  children[0]?.say({ kind: "hello" });
  children[0]?.say({ kind: "refused", reason: "no room" });
  expect(await outcome).toEqual({ kind: "refused", reason: "no room" });
  expect(children[0]?.signals).toEqual([]);
});
