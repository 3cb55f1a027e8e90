import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import type { TrackPlan } from "../../../src/config/track-plan.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, vip } from "./pair-lab.ts";

const tracked = (track: TrackPlan): VrrpPlan => ({
  ...fastPlan({ priority: 200, tracks: [track.name] }),
  tracks: [track],
});
const uplink = {
  kind: "interface",
  reverse: false,
  name: "uplink",
  interface: "eth1",
  upDelayMs: 0,
  downDelayMs: 0,
} as const;

test("cutting a tracked link of the active node moves the address on the other network", async () => {
  await using pair = await pairLab(2);
  const lb1 = await VrrpRole.start(pair.lb1, tracked({ ...uplink, weight: -150 }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await lb2.reaches("backup");
  await pair.lb1.cutLink("eth1");
  await lb2.reaches("active");
  await lb1.reaches("backup");
  expect(lb1.status()).toMatchObject({
    priority: 50,
    claims: ["track uplink: interface eth1 has no carrier: −150"],
  });
  expect([await pair.lb1.holds(vip), await pair.lb2.holds(vip)]).toEqual([false, true]);
  await pair.lb1.restoreLink("eth1");
  await lb1.reaches("active");
  expect(lb1.status()?.claims).toEqual([]);
}, 60_000);

test("a tracked link without weight withdraws the claim, and counts as back after its delay", async () => {
  await using pair = await pairLab(2);
  const lb1 = await VrrpRole.start(pair.lb1, tracked({ ...uplink, upDelayMs: 500, weight: 0 }));
  await lb1.reaches("active");
  await pair.lb1.run(["ip", "link", "set", "eth1", "down"]);
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toBe("track uplink: interface eth1 is down");
  await pair.lb1.run(["ip", "link", "set", "eth1", "up"]);
  await lb1.reaches("active");
  expect(lb1.log()).toContain("track uplink: up → down: interface eth1 is down");
  expect(lb1.log()).toContain("track uplink: down → up: interface eth1 has carrier");
}, 60_000);

test("a track of a sync group's own moves every member, and is shown as the group's", async () => {
  await using pair = await pairLab(2);
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-track-"));
  const path = join(directory, "load");
  const grouped = (priority: number): VrrpPlan => {
    const own = fastPlan({ priority, tracks: ["load"] });
    const second = { name: "inside-1", interface: "eth1", vrid: 52, vip: "192.0.3.100" };
    const others = fastPlan({ ...second, priority, tracks: ["load"] });
    return {
      ...own,
      instances: [...own.instances, ...others.instances],
      syncGroups: [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: ["load"], notify: null }],
      tracks: [{ kind: "file", name: "load", path, weight: -1 }],
    };
  };
  const lb1 = await VrrpRole.start(pair.lb1, grouped(200));
  await lb1.reaches("active", "inside-1");
  const lb2 = await VrrpRole.start(pair.lb2, { ...grouped(150), tracks: [] });
  await lb2.reaches("backup", "inside-1");
  writeFileSync(path, "100");
  for (const name of ["public-1", "inside-1"]) {
    await lb2.reaches("active", name);
    await lb1.reaches("backup", name);
    expect(lb1.status(name)).toMatchObject({
      priority: 100,
      claims: [`sync group VG_1: track load: ${path} says 100: −100`],
    });
  }
  rmSync(directory, { recursive: true });
  for (const name of ["public-1", "inside-1"]) await lb1.reaches("active", name);
}, 60_000);

test("a tracked file moves the address with the number in it, and back", async () => {
  await using pair = await pairLab();
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-track-"));
  const path = join(directory, "load");
  const lb1 = await VrrpRole.start(pair.lb1, tracked({ kind: "file", name: "load", path, weight: -2 }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await lb2.reaches("backup");
  writeFileSync(path, "60\n");
  await lb2.reaches("active");
  await lb1.reaches("backup");
  expect(lb1.status()).toMatchObject({ priority: 80, claims: [`track load: ${path} says 60: −120`] });
  writeFileSync(path, "full\n");
  await lb1.reaches("active");
  expect(lb1.log()).toContain(`track load: ${path} says "full", which is no whole number: counted as 0`);
  writeFileSync(path, "200\n");
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toBe(`track load: ${path} says 200`);
  rmSync(directory, { recursive: true });
  await lb1.reaches("active");
  await waitFor("lb2 follows", () => lb2.status()?.state === "backup");
}, 60_000);
