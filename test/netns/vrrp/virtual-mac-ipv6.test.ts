import { expect, test } from "bun:test";
import { capture } from "../../support/capture.ts";
import { Frr } from "../../support/frr.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab } from "./pair-lab.ts";
import { answersTo, learned, linkState, macPlan, over6 } from "./virtual-mac-plans.ts";

const { vip, linkLocal, link, mac } = over6;

function plan(priority: number): ReturnType<typeof macPlan> {
  return macPlan({ vip, virtualMac: link, priority });
}

/** Waits until a host answers: over IPv6 a multicast group has to be joined, and duplicates looked for. */
async function isAnswered(client: Host): Promise<void> {
  for (const address of [vip, `${linkLocal}%eth0`]) {
    await waitFor(`${address} answers`, async () => (await answersTo(client, address)) === 5);
  }
  expect(await learned(client, vip)).toBe(mac);
}

test("over IPv6 the neighbours keep what they have learned too", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  await pair.lb1.ip(["address", "add", "2001:db8::10/64", "dev", "eth0"]);
  await pair.lb2.ip(["address", "add", "2001:db8::11/64", "dev", "eth0"]);
  const read = await capture(client, async () => {
    const lb1 = await VrrpRole.start(pair.lb1, plan(200));
    await lb1.reaches("active");
    const lb2 = await VrrpRole.start(pair.lb2, plan(100));
    await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
    expect([await linkState(pair.lb1, link), await linkState(pair.lb2, link)]).toEqual(["up", "down"]);
    await isAnswered(client);
    await pair.lb1.cutLink("eth0");
    await lb2.reaches("active");
    await isAnswered(client);
    await pair.lb1.restoreLink("eth0");
    await lb1.reaches("active");
    await lb2.reaches("backup");
    await isAnswered(client);
    await lb1.stop();
    await lb2.reaches("active");
    await isAnswered(client);
    await lb2.stop();
    expect(await linkState(pair.lb2, link)).toBe("gone");
  });
  const adverts = await read("vrrp", "eth.src", "ipv6.hlim", "vrrp.checksum.status");
  expect([...new Set(adverts)]).toEqual([`${mac}\t255\t1`]);
  // Each node speaks under its own address, though from one MAC.
  expect(new Set(await read("vrrp", "ipv6.src")).size).toBe(2);
  const told = await read(
    `icmpv6.type == 136 and icmpv6.nd.na.target_address == ${vip}`,
    "eth.src",
    "icmpv6.opt.linkaddr",
  );
  expect([...new Set(told)]).toEqual([`${mac}\t${mac}`]);
}, 60_000);

test("FRR and we take turns under one MAC over IPv6", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  for (const [host, last] of [
    [pair.lb1, "10"],
    [pair.lb2, "11"],
  ] as const) {
    await host.ip(["address", "add", `2001:db8::${last}/64`, "dev", "eth0"]);
  }
  const router = { interface: "eth0", version: 3, vrid: 51, advertIntervalMs: 100, priority: 200 } as const;
  const them = await Frr.start(pair.lb2, [{ ...router, addresses: [`${linkLocal}/64`, `${vip}/64`] }]);
  await them.reaches("Master", 51, 6);
  const us = await VrrpRole.start(pair.lb1, plan(100));
  await waitFor("we have heard FRR", () => us.status()?.peer?.priority === 200);
  expect([us.status()?.state, await linkState(pair.lb1, link)]).toEqual(["backup", "down"]);
  await them.configure("eth0", "vrrp 51 priority 50");
  await us.reaches("active");
  await them.reaches("Backup", 51, 6);
  await isAnswered(client);
  const heard = (await them.election(51, 6))?.stats["adverRx"] ?? 0;
  await waitFor("FRR goes on hearing us", async () => {
    return ((await them.election(51, 6))?.stats["adverRx"] ?? 0) > heard + 1;
  });
  await them.configure("eth0", "vrrp 51 priority 250");
  await them.reaches("Master", 51, 6);
  await us.reaches("backup");
  await them.stop();
  await us.reaches("active");
  await isAnswered(client);
  await us.stop();
}, 60_000);

test("keepalived with use_vmac and we take turns under one MAC over IPv6", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  for (const [host, last] of [
    [pair.lb1, "10"],
    [pair.lb2, "11"],
  ] as const) {
    await host.ip(["address", "add", `2001:db8::${last}/64`, "dev", "eth0"]);
  }
  const us = await VrrpRole.start(pair.lb1, plan(150));
  await us.reaches("active");
  const router = {
    interface: "eth0",
    version: 3,
    vrid: 51,
    advertInterval: 0.1,
    usesVirtualMac: true,
  } as const;
  const addresses = [`${linkLocal}/64`, `${vip}/64`];
  const them = await startKeepalived(pair.lb2, [{ ...router, priority: 100, addresses }]);
  await waitFor("keepalived is backup", () => them.output().includes("Entering BACKUP STATE"));
  await isAnswered(client);
  await us.stop();
  await waitFor("keepalived has the address", () => pair.lb2.holds(vip));
  await isAnswered(client);
  const next = await VrrpRole.start(pair.lb1, plan(50));
  await waitFor("we have heard keepalived", () => next.status()?.peer?.priority === 100);
  expect([next.status()?.state, await linkState(pair.lb1, link)]).toEqual(["backup", "down"]);
  expect(await next.configure(plan(200))).toBeNull();
  await next.reaches("active");
  await waitFor("keepalived gives way", async () => !(await pair.lb2.holds(vip)));
  await isAnswered(client);
  expect(await next.configure(plan(50))).toBeNull();
  await next.reaches("backup");
  await waitFor("keepalived has the address again", () => pair.lb2.holds(vip));
  await isAnswered(client);
  them.kill("SIGTERM");
  await next.reaches("active");
  await isAnswered(client);
  const dropped = Object.entries(next.status()?.counters ?? {}).filter(([key]) => key.startsWith("dropped"));
  expect(dropped.filter(([, count]) => count > 0)).toEqual([]);
  await next.stop();
  expect(await linkState(pair.lb1, link)).toBe("gone");
}, 60_000);
