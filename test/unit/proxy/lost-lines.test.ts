import { expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import { LostLines } from "../../../src/proxy/lost-lines.ts";

test("LostLines tells why at once, and then once in ten seconds, with all that were counted by then", () => {
  const told: string[] = [];
  let now = 5;
  const log = { ...silentLog, error: (line: string) => void told.push(line) };
  const lost = new LostLines("/dev/log", log, () => now);
  lost.tell("it is gone");
  expect(told).toEqual(["access log to syslog /dev/log: it is gone; lines are lost"]);
  expect(lost.hasAny).toBe(false);
  lost.add();
  lost.add();
  lost.tell("it is too slow");
  now += 9_999;
  lost.add();
  lost.tell("it is too slow");
  expect(told).toHaveLength(1);
  expect(lost.hasAny).toBe(true);
  now += 1;
  lost.tell("it is too slow");
  expect(told[1]).toBe("access log to syslog /dev/log: it is too slow; 3 lines are lost");
  expect(lost.hasAny).toBe(false);
});
