import { expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { Frr } from "../../support/frr.ts";
import { waitFor } from "../../support/lab.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab, vip } from "./pair-lab.ts";

/** FRR's vrrpd as the other router, which keeps to its virtual MAC while we use the interface's own. */
function ours(priority: number): VrrpPlan {
  return vrrpPlan([instancePlan({ advertIntervalMs: 100, priority })]);
}

function theirs(pair: PairLab, priority: number): Promise<Frr> {
  const router = { interface: "eth0", version: 3, vrid: 51, advertIntervalMs: 100 } as const;
  return Frr.start(pair.lb2, [{ ...router, priority, addresses: [`${vip}/24`] }]);
}

test("FRR is backup to us, and takes over when we stop", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(pair.lb1, ours(200));
  await us.reaches("active");
  const them = await theirs(pair, 100);
  await them.reaches("Backup", 51);
  await waitFor("FRR has heard us", async () => ((await them.election(51))?.stats["adverRx"] ?? 0) > 2);
  expect((await them.election(51))?.stats["transitions"]).toBe(1);
  await us.stop();
  await them.reaches("Master", 51);
}, 60_000);

test("we are backup to FRR, and take over when it stops", async () => {
  await using pair = await pairLab();
  const them = await theirs(pair, 200);
  await them.reaches("Master", 51);
  const us = await VrrpRole.start(pair.lb1, ours(100));
  await waitFor("we have heard FRR", () => (us.status()?.counters["received"] ?? 0) > 5);
  expect(us.status()).toMatchObject({ state: "backup", peer: { address: "192.0.2.11", priority: 200 } });
  await them.configure("eth0", "vrrp 51 priority 50");
  await us.reaches("active");
  await them.reaches("Backup", 51);
  await them.configure("eth0", "vrrp 51 priority 150");
  await them.reaches("Master", 51);
  await us.reaches("backup");
  await them.stop();
  await us.reaches("active");
  expect(us.status()?.reason).toBe("192.0.2.11 resigned");
  expect(us.status()?.counters["pseudoHeaderChecksums"]).toBeGreaterThan(5);
}, 60_000);
