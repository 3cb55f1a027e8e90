import { expect, test } from "bun:test";
import { Frr } from "../../support/frr.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab, vip } from "./pair-lab.ts";
import { answersTo, learned, linkState, mac, macLink, macPlan } from "./virtual-mac-plans.ts";

/** Routers that keep to the virtual MAC as we do: ours on lb1, theirs on lb2, and a client that is told nothing. */
async function withClient(pair: PairLab): Promise<Host> {
  return pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/24" } });
}

/** What others send while they leave can turn the switch to them until the next advertisement. */
async function isAnswered(client: Host): Promise<void> {
  await waitFor("the address answers", async () => (await answersTo(client, vip)) === 5);
}

const dropped = (us: VrrpRole): readonly (readonly [string, number])[] =>
  Object.entries(us.status()?.counters ?? {}).filter(
    ([key, count]) => key.startsWith("dropped") && count > 0,
  );

for (const [version, intervalMs] of [
  [3, 100],
  [2, 1000],
] as const) {
  test(`FRR and we take turns under one MAC, version ${version}`, async () => {
    await using pair = await pairLab();
    const client = await withClient(pair);
    const router = { interface: "eth0", version, vrid: 51, advertIntervalMs: intervalMs };
    const them = await Frr.start(pair.lb2, [{ ...router, priority: 200, addresses: [`${vip}/32`] }]);
    await them.reaches("Master", 51);
    const us = await VrrpRole.start(
      pair.lb1,
      macPlan({ version, advertIntervalMs: intervalMs, priority: 100 }),
    );
    await waitFor("we have heard FRR", () => us.status()?.peer?.priority === 200);
    expect([us.status()?.state, await linkState(pair.lb1, macLink)]).toEqual(["backup", "down"]);
    await isAnswered(client);
    expect(await learned(client, vip)).toBe(mac);

    await them.configure("eth0", "vrrp 51 priority 50");
    await us.reaches("active");
    await them.reaches("Backup", 51);
    await isAnswered(client);
    const heard = (await them.election(51))?.stats["adverRx"] ?? 0;
    await waitFor("FRR goes on hearing us", async () => {
      return ((await them.election(51))?.stats["adverRx"] ?? 0) > heard + 1;
    });
    // An active router has to hear its rival, although both use one MAC.
    await them.configure("eth0", "vrrp 51 priority 250");
    await them.reaches("Master", 51);
    await us.reaches("backup");
    expect(us.status()?.reason).toContain("has priority 250, ours is 100");
    await them.stop();
    await us.reaches("active");
    expect(us.status()?.reason).toBe("192.0.2.11 resigned");
    await isAnswered(client);
    expect(await learned(client, vip)).toBe(mac);
    expect(dropped(us)).toEqual([]);
    await us.stop();
  }, 90_000);
}

test("keepalived with use_vmac and we take turns under one MAC", async () => {
  await using pair = await pairLab();
  const client = await withClient(pair);
  const us = await VrrpRole.start(pair.lb1, macPlan({ priority: 150 }));
  await us.reaches("active");
  const theirs = {
    interface: "eth0",
    version: 3,
    vrid: 51,
    advertInterval: 0.1,
    usesVirtualMac: true,
  } as const;
  const low = await startKeepalived(pair.lb2, [{ ...theirs, priority: 100, addresses: [`${vip}/32`] }]);
  await waitFor("keepalived is backup", () => low.output().includes("Entering BACKUP STATE"));
  await isAnswered(client);
  await us.stop();
  await waitFor("keepalived takes over", () => low.output().includes("Entering MASTER STATE"));
  await waitFor("keepalived has the address", () => pair.lb2.holds(vip));
  await isAnswered(client);
  expect(low.output()).not.toMatch(/invalid|bogus|mismatch|checksum/i);

  const next = await VrrpRole.start(pair.lb1, macPlan({ priority: 50 }));
  await waitFor("we have heard keepalived", () => next.status()?.peer?.priority === 100);
  expect(next.status()?.state).toBe("backup");
  // As an active router again we have to hear it although it uses our MAC.
  expect(await next.configure(macPlan({ priority: 200 }))).toBeNull();
  await next.reaches("active");
  await waitFor("keepalived gives way", async () => !(await pair.lb2.holds(vip)));
  await isAnswered(client);
  expect(await next.configure(macPlan({ priority: 50 }))).toBeNull();
  await next.reaches("backup");
  await waitFor("keepalived has the address again", () => pair.lb2.holds(vip));
  await isAnswered(client);
  low.kill("SIGTERM");
  await next.reaches("active");
  await isAnswered(client);
  expect(await learned(client, vip)).toBe(mac);
  expect(dropped(next)).toEqual([]);
  await next.stop();
}, 60_000);
