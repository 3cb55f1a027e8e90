import { expect, setDefaultTimeout, test } from "bun:test";
import { virtualLinkLocal } from "../../../src/base/address.ts";
import type { UnicastPlan, VrrpPlan } from "../../../src/config/node-plan.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { Lab, type Host, waitFor } from "../../support/lab.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab } from "./pair-lab.ts";

setDefaultTimeout(90_000);

/** Unicast over IPv6 beyond what the matrix has, which speaks between link-local addresses. */
const vip = "2001:db8::100";
const addresses = [`${virtualLinkLocal(51)}/64`, `${vip}/64`];
const near: UnicastPlan = { ttl: null, checksSource: true };

function plan(source: string, peer: string, wish: InstanceWish = {}): VrrpPlan {
  const peers = [{ name: peer, address: peer }];
  return vrrpPlan([instancePlan({ vip, advertIntervalMs: 100, unicast: near, source, peers, ...wish })]);
}

async function give(host: Host, address: string): Promise<void> {
  await host.ip(["address", "add", `${address}/64`, "dev", "eth0"]);
}

const ranged = (min: number): InstanceWish => ({ unicast: { ttl: { min, max: min }, checksSource: true } });

const counted = (us: VrrpRole, counter: string): number => us.status()?.counters[counter] ?? 0;

async function globalPair(): Promise<PairLab> {
  const pair = await pairLab();
  await give(pair.lb1, "2001:db8::10");
  await give(pair.lb2, "2001:db8::11");
  return pair;
}

test("moves to and from keepalived between global addresses, whose hop limit of 64 has to be allowed", async () => {
  await using pair = await globalPair();
  const unicast = { source: "2001:db8::11", peers: ["2001:db8::10"] };
  const theirs = {
    interface: "eth0",
    version: 3,
    vrid: 51,
    advertInterval: 0.1,
    addresses,
    unicast,
  } as const;
  const them = await startKeepalived(pair.lb2, [{ ...theirs, priority: 200 }]);
  await waitFor("keepalived has the address", () => pair.lb2.holds(vip));
  const us = await VrrpRole.start(pair.lb1, plan("2001:db8::10", "2001:db8::11"));
  await waitFor("its hop limit is refused", () => counted(us, "droppedTtl") > 0);
  expect(us.log()).toContain("advertisement from 2001:db8::11 dropped: its hop limit is 64, not 255");
  const told = { unicast: { ttl: { min: 64, max: 255 }, checksSource: true } };
  expect(await us.configure(plan("2001:db8::10", "2001:db8::11", told))).toBeNull();
  await us.reaches("backup");
  await waitFor("we follow keepalived", () => us.status()?.peer?.address === "2001:db8::11");
  them.kill("SIGTERM");
  await us.reaches("active");
  expect(us.status()?.reason).toBe("2001:db8::11 resigned");
  await them.exited;
  const next = await startKeepalived(pair.lb2, [{ ...theirs, priority: 50 }]);
  await waitFor("keepalived is backup", () => next.output().includes("Entering BACKUP STATE"));
  await us.stop();
  await waitFor("keepalived has the address again", () => pair.lb2.holds(vip));
  expect(await pair.lb1.holds(vip)).toBe(false);
  expect(next.output()).not.toMatch(/invalid|bogus|mismatch|checksum|ttl/i);
});

test("keepalived that is told to speak version 2 over IPv6 does, and is dropped and named", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(pair.lb1, vrrpPlan([instancePlan({ vip, advertIntervalMs: 100 })]));
  await us.reaches("active");
  const router = { interface: "eth0", version: 2, vrid: 51, advertInterval: 1, addresses } as const;
  const them = await startKeepalived(pair.lb2, [{ ...router, priority: 200 }]);
  await waitFor("it drops ours", () => them.output().includes("wrong version. Received 3 and expect 2"));
  await waitFor("we drop its own", () => counted(us, "droppedVersion") > 0);
  expect(us.status()?.state).toBe("active");
  expect(us.log()).toContain("dropped: its version is 2, which IPv6 has not");
});

test("believes peers alone, and follows its source when that comes, goes, or is no use yet", async () => {
  await using pair = await globalPair();
  const us = await VrrpRole.start(pair.lb1, plan("2001:db8::20", "2001:db8::12", { priority: 200 }));
  await us.reaches("fault");
  expect(us.status()?.reason).toBe("source address 2001:db8::20 is not on this host");
  await give(pair.lb1, "2001:db8::20");
  await us.reaches("active");
  // A stranger of higher priority: it speaks to us, and is none of our peers.
  const them = await VrrpRole.start(pair.lb2, plan("2001:db8::11", "2001:db8::20", { priority: 250 }));
  await waitFor("it is dropped", () => counted(us, "droppedSource") > 3);
  expect(us.log()).toContain("advertisement from 2001:db8::11 dropped: its source is none of our peers");
  expect(us.status()?.state).toBe("active");
  expect(await us.configure(plan("2001:db8::20", "2001:db8::11", { priority: 200 }))).toBeNull();
  await us.reaches("backup");
  expect(us.status()?.peer?.address).toBe("2001:db8::11");
  await pair.lb1.ip(["address", "delete", "2001:db8::20/64", "dev", "eth0"]);
  await us.reaches("fault");
  // One that is on another interface does as well; a link-local one has to be on this.
  await pair.lb1.ip(["address", "add", "2001:db8::20/128", "dev", "lo"]);
  await us.reaches("backup");
  await pair.lb1.ip(["address", "add", "fe80::20/64", "dev", "lo"]);
  expect(await us.configure(plan("fe80::20", "2001:db8::11"))).toBeNull();
  await us.reaches("fault");
  expect(us.status()?.reason).toBe("source address fe80::20 is not on this host");
  await give(pair.lb1, "fe80::20");
  await us.reaches("active");
  await them.stop();
});

test("peers behind a router are heard whatever their hop limit, unless a range is given", async () => {
  await using lab = await Lab.create();
  for (const bridge of ["net0", "net1"]) await lab.bridge(bridge);
  const lb1 = await lab.host("lb1", { eth0: { bridge: "net0", address: "2001:db8::10/64" } });
  const lb2 = await lab.host("lb2", { eth0: { bridge: "net1", address: "2001:db8:1::11/64" } });
  const router = await lab.host("router", {
    eth0: { bridge: "net0", address: "2001:db8::1/64" },
    eth1: { bridge: "net1", address: "2001:db8:1::1/64" },
  });
  await router.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"]);
  await lb1.ip(["route", "add", "default", "via", "2001:db8::1"]);
  await lb2.ip(["route", "add", "default", "via", "2001:db8:1::1"]);
  const [near1, far1] = ["2001:db8::10", "2001:db8:1::11"];
  const us = await VrrpRole.start(lb1, plan(near1, far1, { priority: 200 }));
  await us.reaches("active");
  const far = await VrrpRole.start(lb2, plan(far1, near1));
  await waitFor("lb2 follows lb1", () => counted(far, "received") > 3);
  expect(await far.configure(plan(far1, near1, ranged(254)))).toBeNull();
  const heard = counted(far, "received");
  await waitFor("lb2 goes on", () => counted(far, "received") > heard + 3);
  expect(far.status()).toMatchObject({ state: "backup", peer: { address: near1, priority: 200 } });
  expect(await far.configure(plan(far1, near1, ranged(255)))).toBeNull();
  await far.reaches("active");
  expect(far.log()).toContain(`advertisement from ${near1} dropped: its hop limit is 254, not 255`);
});
