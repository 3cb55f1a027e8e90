import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { type Child, type Host, waitFor } from "../../support/lab.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab, vip } from "./pair-lab.ts";

/** keepalived 2.2.7 as the other router: lb1 runs ours, lb2 runs keepalived. */
interface Protocol {
  readonly version: 2 | 3;
  readonly intervalMs: number;
  readonly password: string | null;
}

const version3: Protocol = { version: 3, intervalMs: 100, password: null };
const version2: Protocol = { version: 2, intervalMs: 1000, password: "s3cr3t" };

function ours(protocol: Protocol, priority: number, preempts = true): VrrpPlan {
  const { version, intervalMs: advertIntervalMs, password } = protocol;
  return vrrpPlan([instancePlan({ version, advertIntervalMs, password, priority, preempts })]);
}

function theirs(host: Host, protocol: Protocol, priority: number, preempts = true): Promise<Child> {
  const { version, intervalMs, password } = protocol;
  return startKeepalived(host, [
    {
      interface: "eth0",
      version,
      vrid: 51,
      priority,
      advertInterval: intervalMs / 1000,
      addresses: [`${vip}/24`],
      preempts,
      ...(password === null ? {} : { password }),
    },
  ]);
}

async function theyBecome(peer: Child, state: "MASTER" | "BACKUP", times = 1): Promise<void> {
  const line = `Entering ${state} STATE`;
  await waitFor(`keepalived is ${state}`, () => peer.output().split(line).length > times);
}

async function holders({ lb1, lb2 }: PairLab): Promise<readonly boolean[]> {
  return [await lb1.holds(vip), await lb2.holds(vip)];
}

for (const protocol of [version3, version2]) {
  const name = `version ${protocol.version}`;

  test(`${name}: keepalived is backup to us, takes over on a cut, gives back, and takes over on a stop`, async () => {
    await using pair = await pairLab();
    const us = await VrrpRole.start(pair.lb1, ours(protocol, 200));
    await us.reaches("active");
    const them = await theirs(pair.lb2, protocol, 100);
    await theyBecome(them, "BACKUP");
    await pair.lb1.cutLink("eth0");
    await theyBecome(them, "MASTER");
    await us.reaches("fault");
    await waitFor("only keepalived holds the address", async () => {
      return (await holders(pair)).join() === "false,true";
    });
    await pair.lb1.restoreLink("eth0");
    await us.reaches("active");
    await theyBecome(them, "BACKUP", 2);
    await waitFor("only we hold the address", async () => (await holders(pair)).join() === "true,false");
    await us.stop();
    await theyBecome(them, "MASTER", 2);
    expect(await holders(pair)).toEqual([false, true]);
    expect(them.output()).not.toMatch(/invalid|bogus|mismatch|checksum|authentication fail/i);
  }, 90_000);

  test(`${name}: we are backup to keepalived, take over on a cut, give back, and take over on a stop`, async () => {
    await using pair = await pairLab();
    const them = await theirs(pair.lb2, protocol, 200);
    await theyBecome(them, "MASTER");
    const us = await VrrpRole.start(pair.lb1, ours(protocol, 100));
    await us.reaches("backup");
    await waitFor("we have heard keepalived", () => us.status()?.peer?.address === "192.0.2.11");
    await pair.lb2.cutLink("eth0");
    await us.reaches("active");
    expect(us.status()?.reason).toStartWith("no advertisement from 192.0.2.11 for ");
    await pair.lb2.restoreLink("eth0");
    await us.reaches("backup");
    await theyBecome(them, "MASTER", 2);
    await waitFor("only keepalived holds the address", async () => {
      return (await holders(pair)).join() === "false,true";
    });
    them.kill("SIGTERM");
    await us.reaches("active");
    expect(us.status()?.reason).toBe("192.0.2.11 resigned");
    const dropped = Object.entries(us.status()?.counters ?? {}).filter(([key]) => key.startsWith("dropped"));
    expect(dropped.filter(([, count]) => count > 0)).toEqual([]);
  }, 90_000);
}

test("we take over when keepalived is killed, and keepalived when we are", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(pair.lb1, ours(version3, 100));
  const them = await theirs(pair.lb2, version3, 200);
  await theyBecome(them, "MASTER");
  await us.reaches("backup");
  // keepalived says that it is MASTER before it has added the address.
  await waitFor(
    "only keepalived holds the address",
    async () => (await holders(pair)).join() === "false,true",
  );
  // Stopped first, and the youngest killed first: keepalived's child would say farewell if it outlived its parent for
  // a moment, and the kernel wakes the stopped children of a parent that has died (SIGHUP, SIGCONT).
  const pids = (await pair.lb2.pids()).toSorted((a, b) => b - a);
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of pids) process.kill(pid, signal);
  await us.reaches("active");
  expect(us.status()?.reason).toStartWith("no advertisement from 192.0.2.11 for ");
  // What the killed keepalived left behind is its own affair.
  await pair.lb2.ip(["address", "del", `${vip}/24`, "dev", "eth0"]);
  for (const file of ["pid", "vrrp.pid"])
    rmSync(join(pair.lb2.directory, `keepalived.${file}`), { force: true });
  const next = await theirs(pair.lb2, version3, 50);
  await theyBecome(next, "BACKUP");
  await us.kill("SIGKILL");
  await theyBecome(next, "MASTER");
}, 90_000);

test("without preempt neither of us takes the address back", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(pair.lb1, ours(version3, 200, false));
  await us.reaches("active");
  const them = await theirs(pair.lb2, version3, 100, false);
  await theyBecome(them, "BACKUP");
  await pair.lb1.cutLink("eth0");
  await theyBecome(them, "MASTER");
  await pair.lb1.restoreLink("eth0");
  await us.reaches("backup");
  await waitFor("we have heard keepalived for a while", () => (us.status()?.counters["received"] ?? 0) > 10);
  expect(us.status()).toMatchObject({ state: "backup", peer: { address: "192.0.2.11", priority: 100 } });
  await us.stop();
  const again = await VrrpRole.start(pair.lb1, ours(version3, 50, false));
  await again.reaches("backup");
  await waitFor("we have heard keepalived again", () => (again.status()?.counters["received"] ?? 0) > 10);
  await again.configure(ours(version3, 250, false));
  const heard = again.status()?.counters["received"] ?? 0;
  await waitFor("and again", () => (again.status()?.counters["received"] ?? 0) > heard + 10);
  expect(again.status()).toMatchObject({ state: "backup", priority: 250 });
}, 90_000);

test("a wrong password makes two actives, and the log says why", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(pair.lb1, ours({ ...version2, password: "other" }, 100));
  const them = await theirs(pair.lb2, version2, 200);
  await theyBecome(them, "MASTER");
  await us.reaches("active");
  // keepalived puts off its own advertisement whenever it drops one, so it is silent from here on.
  await waitFor("we have dropped its first", () => (us.status()?.counters["droppedAuth"] ?? 0) > 0);
  expect(us.log()).toContain("advertisement from 192.0.2.11 dropped: its password is not ours");
}, 90_000);
