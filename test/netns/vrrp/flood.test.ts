import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Lab, waitFor } from "../../support/lab.ts";
import { runCommand } from "../../support/lab-command.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { fastPlan, pairLab } from "./pair-lab.ts";

/** Packets in a second that both nodes have to bear. */
const aim = 120_000;
const seconds = 6;

async function compile(lab: Lab): Promise<string> {
  const program = join(lab.directory, "vrrp-flood");
  const source = join(import.meta.dir, "../../support/vrrp-flood.c");
  const { exitCode, stderr } = await runCommand(["gcc", "-O2", "-Wall", "-Werror", "-o", program, source]);
  if (exitCode !== 0) throw new Error(stderr);
  return program;
}

test("100,000 packets of garbage in a second cost no election", async () => {
  await using pair = await pairLab();
  const program = await compile(pair.lab);
  const attacker = await pair.lab.host("attacker", { eth0: { bridge: "net0", address: "192.0.2.66/24" } });
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200 }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await waitFor("lb2 follows lb1", () => (lb2.status()?.peer ?? null) !== null);
  const before = lb2.status()?.counters["received"] ?? 0;
  const sources = ["192.0.2.66", "192.0.2.10", "192.0.2.11"];
  // As from another machine, whose packets wait for no process of this one.
  const flood = attacker.spawn([
    "chrt",
    "-f",
    "60",
    program,
    "eth0",
    "51",
    String(seconds),
    String(aim),
    ...sources,
  ]);
  expect(await flood.exited).toBe(0);
  for (const lb of [lb1, lb2]) {
    const count = (): number => lb.status()?.paths[0]?.flood?.dropped ?? 0;
    await waitFor("status counts while it goes on", () => count() > 0);
    expect(lb.status()?.paths[0]?.flood?.isOn).toBe(true);
  }
  const [sent = 0, ms = 1] = flood.output().trim().split(" ").map(Number);
  const perSecond = Math.round((sent / ms) * 1000);
  console.log(`${perSecond} packets/s of garbage for ${(ms / 1000).toFixed(1)} s`);
  expect(perSecond).toBeGreaterThan(100_000);
  for (const lb of [lb1, lb2]) expect(lb.log()).toContain("eth0: a flood of VRRP packets");
  for (const lb of [lb1, lb2]) {
    const end = /the flood of VRRP packets is over, (\d+) were dropped unread/;
    await waitFor("the flood is told to be over", () => end.test(lb.log()), 50_000);
    const dropped = Number(end.exec(lb.log())?.[1]);
    console.log(`${dropped} of ${sent} dropped unread`);
    await waitFor("status says the same", () => lb.status()?.paths[0]?.flood?.isOn === false);
    expect(lb.status()?.paths[0]?.flood).toEqual({ isOn: false, dropped });
    // What is read in calm moments in between is counted one by one.
    expect(dropped).toBeGreaterThan(sent / 2);
    expect(dropped).toBeLessThanOrEqual(sent);
  }
  expect([lb1.history(), lb2.history()]).toEqual([["backup", "active"], ["backup"]]);
  await waitFor(
    "lb2 goes on hearing lb1",
    () => (lb2.status()?.counters["received"] ?? 0) > before + 10 * seconds,
  );
}, 90_000);

const over = /the flood of VRRP packets is over, (\d+) were dropped unread/g;

test("the kernel sorts IPv6 too, and what it dropped then makes no flood of what comes later", async () => {
  await using pair = await pairLab();
  const program = await compile(pair.lab);
  const attacker = await pair.lab.host("attacker", { eth0: { bridge: "net0", address: "192.0.2.66/24" } });
  const flood = async (forSeconds: number): Promise<number> => {
    const numbers = ["51", String(forSeconds), String(aim)];
    const run = attacker.spawn(["chrt", "-f", "60", program, "eth0", ...numbers, "fe80::66", "fe80::67"]);
    expect(await run.exited).toBe(0);
    return Number(run.output().split(" ")[0]);
  };
  const plan = vrrpPlan([instancePlan({ vip: "2001:db8::100", advertIntervalMs: 100 })]);
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await lb1.reaches("active");
  const sent = await flood(0.5);
  await waitFor("the flood is told to be over", () => lb1.log().match(over) !== null, 20_000);
  const dropped = Number([...lb1.log().matchAll(over)][0]?.[1]);
  expect(dropped).toBeGreaterThan(sent / 2);
  expect(dropped).toBeLessThanOrEqual(sent);
  // More than one look can read, far less than a flood.
  const counted = (): number => lb1.status()?.counters["droppedChecksum"] ?? 0;
  const before = counted();
  await flood(0);
  await waitFor("they are read and counted", () => counted() > before);
  expect(lb1.log().match(/a flood of VRRP packets/g)).toHaveLength(1);
  expect(lb1.history()).toEqual(["backup", "active"]);
}, 60_000);
