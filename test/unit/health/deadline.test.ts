import { expect, test } from "bun:test";
import { Deadline } from "../../../src/health/deadline.ts";

test("a deadline runs every action once, also those that come after it", () => {
  const deadline = new Deadline();
  const ran: string[] = [];
  deadline.onOver(() => ran.push("a"));
  deadline.onOver(() => ran.push("b"));
  expect(deadline.isOver).toBe(false);
  deadline.end();
  deadline.end();
  deadline.onOver(() => ran.push("late"));
  expect(deadline.isOver).toBe(true);
  expect(ran).toEqual(["a", "b", "late"]);
});
