import { expect, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab } from "./pair-lab.ts";

const vip = "2001:db8::100";

test("a frozen process gives an IPv6 address up as soon as it wakes, before it says a word", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ vip, priority: 200, preempts: false }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ vip, priority: 100, preempts: false }));
  await waitFor("lb2 follows lb1", () => (lb2.status()?.peer ?? null) !== null);
  lb1.signal("SIGSTOP");
  await lb2.reaches("active");
  // Nothing takes an IPv6 address from a process that does not run.
  expect([await pair.lb1.holds(vip), await pair.lb2.holds(vip)]).toEqual([true, true]);
  const heard = lb2.status()?.counters["received"];
  lb1.signal("SIGCONT");
  await lb1.reaches("backup");
  expect(lb1.status()?.reason).toEndWith("took over while this host slept");
  await waitFor("lb1 has let go of it", async () => !(await pair.lb1.holds(vip)));
  const sent = lb2.status()?.counters["sent"] ?? 0;
  await waitFor("lb2 goes on", () => (lb2.status()?.counters["sent"] ?? 0) > sent + 3);
  expect(lb2.status()?.counters["received"]).toBe(heard ?? -1);
  expect([lb1.history(), lb2.history()]).toEqual([
    ["backup", "active", "backup"],
    ["backup", "active"],
  ]);
}, 60_000);
