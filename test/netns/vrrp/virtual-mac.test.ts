import { expect, test } from "bun:test";
import { capture } from "../../support/capture.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, vip } from "./pair-lab.ts";
import { answersTo, learned, linkState, mac, macLink, macPlan, settingOf } from "./virtual-mac-plans.ts";

const preferred = macPlan({ priority: 200 });
const other = macPlan({ priority: 100 });

/** A strict path filter and hosts that forget each other, as the worst that replies can meet. */
async function makeStrict(host: Host): Promise<void> {
  const set = "for each in all default eth0; do echo 1 >/proc/sys/net/ipv4/conf/$each/rp_filter; done";
  await host.run(["sh", "-ec", set]);
}

test("clients keep the MAC they have learned, whoever is active and whatever announcements they miss", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/24" } });
  // This one hears no gratuitous ARP, as nothing changes what it believes.
  const deaf = await pair.lab.host("deaf", { eth0: { bridge: "net0", address: "192.0.2.51/24" } });
  await deaf.ip(["neigh", "add", vip, "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
  for (const host of [pair.lb1, pair.lb2]) await makeStrict(host);

  const read = await capture(client, async () => {
    const lb1 = await VrrpRole.start(pair.lb1, preferred);
    await lb1.reaches("active");
    const lb2 = await VrrpRole.start(pair.lb2, other);
    await lb2.reaches("backup");
    await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
    expect([await linkState(pair.lb1, macLink), await linkState(pair.lb2, macLink)]).toEqual(["up", "down"]);
    for (const host of [client, deaf]) expect(await answersTo(host, vip)).toBe(5);

    await pair.lb1.cutLink("eth0");
    await lb2.reaches("active");
    await lb1.reaches("fault");
    for (const host of [client, deaf]) expect(await answersTo(host, vip)).toBe(5);
    // It asks for its clients in its own name, or they would learn its own MAC for the address.
    await pair.lb2.ip(["neigh", "flush", "dev", "eth0"]);
    expect(await answersTo(deaf, vip)).toBe(5);

    await pair.lb1.restoreLink("eth0");
    await lb1.reaches("active");
    await lb2.reaches("backup");
    expect([await linkState(pair.lb1, macLink), await linkState(pair.lb2, macLink)]).toEqual(["up", "down"]);
    for (const host of [client, deaf]) expect(await answersTo(host, vip)).toBe(5);
    await lb1.stop();
    await lb2.reaches("active");
    for (const host of [client, deaf]) expect(await answersTo(host, vip)).toBe(5);
    expect(await learned(client, vip)).toBe(mac);
    await lb2.stop();
  });
  const adverts = await read("vrrp", "eth.src", "ip.src", "ip.ttl", "vrrp.checksum.status");
  expect([...new Set(adverts)].toSorted()).toEqual([
    `${mac}\t192.0.2.10\t255\t1`,
    `${mac}\t192.0.2.11\t255\t1`,
  ]);
  const inItsName = await read(`arp.src.proto_ipv4 == ${vip}`, "eth.src", "arp.src.hw_mac");
  expect([...new Set(inItsName)]).toEqual([`${mac}\t${mac}`]);
  // Who asks for an address of a host's own is answered by that host's MAC.
  const own = await read("arp.opcode == 2 and arp.src.proto_ipv4 != 192.0.2.100", "arp.src.hw_mac");
  expect(own).not.toContain(mac);
}, 60_000);

test("a dead process leaves everything in place for the next, which puts everything back in the end", async () => {
  await using pair = await pairLab();
  await pair.lb1.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_announce"]);
  const first = await VrrpRole.start(pair.lb1, preferred);
  await first.reaches("active");
  expect([await settingOf(pair.lb1, "arp_ignore"), await settingOf(pair.lb1, "arp_announce")]).toEqual([
    "1",
    "2",
  ]);
  const monitor = pair.lb1.spawn(["ip", "-o", "monitor", "link", "address"]);
  await first.kill("SIGKILL");
  const next = await VrrpRole.start(pair.lb1, preferred, ["public-1"]);
  await next.reaches("active");
  expect(next.status()?.reason).toBe("taken over from an earlier process of this node");
  expect(await linkState(pair.lb1, macLink)).toBe("up");
  // The monitor works, and has not seen the address go.
  await pair.lb1.ip(["address", "add", "192.0.2.55/24", "dev", "eth0"]);
  await waitFor("the monitor sees an address", () => monitor.output().includes("192.0.2.55"));
  expect(monitor.output()).not.toContain("Deleted");
  await next.kill("SIGKILL");
  // One that does not adopt begins as a backup, and one without virtual MAC wants none.
  const third = await VrrpRole.start(pair.lb1, macPlan({ virtualMac: null }));
  await waitFor("the interface is gone", async () => (await linkState(pair.lb1, macLink)) === "gone");
  expect(third.log()).toContain(`${macLink} removed`);
  expect([await settingOf(pair.lb1, "arp_ignore"), await settingOf(pair.lb1, "arp_announce")]).toEqual([
    "0",
    "1",
  ]);
  await third.reaches("active");
  await third.configure(preferred);
  await waitFor("the address is on the interface", async () => {
    return (await pair.lb1.ip(["-o", "address", "show", "dev", macLink])).includes(`${vip}/32`);
  });
  expect(await linkState(pair.lb1, macLink)).toBe("up");
  await third.stop();
  expect(await linkState(pair.lb1, macLink)).toBe("gone");
  expect(await settingOf(pair.lb1, "arp_ignore")).toBe("0");
}, 60_000);

test("the interface comes back when somebody removes it or what it stands on", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(pair.lb1, preferred);
  await us.reaches("active");
  const isServing = async (): Promise<boolean> =>
    (await linkState(pair.lb1, macLink)) === "up" && (await pair.lb1.holds(vip));
  await pair.lb1.ip(["link", "delete", macLink]);
  await waitFor("it is back", isServing);
  await pair.lb1.ip(["link", "set", macLink, "down"]);
  await waitFor("it is up again", isServing);
  expect(await answersTo(pair.lb2, vip)).toBe(5);
  expect(us.history()).toEqual(["backup", "active"]);

  await pair.lb1.ip(["link", "set", "eth0", "down"]);
  await us.reaches("fault");
  expect(us.status()?.reason).toBe("interface eth0 is down");
  await waitFor("it is down with it", async () => (await linkState(pair.lb1, macLink)) === "down");
  await pair.lb1.ip(["link", "set", "eth0", "up"]);
  await us.reaches("active");
  await waitFor("it serves again", isServing);

  // Somebody else's interface of that name is left alone, and what cannot carry one is a reason.
  await us.configure(macPlan({ virtualMac: "lo" }));
  await us.reaches("fault");
  expect(us.status()?.reason).toBe("no virtual MAC: lo is there already and was not made by edge-ha");
  await us.configure(macPlan({ virtualMac: "vrrp51", interface: "lo" }));
  await waitFor("it says why", () => us.status()?.reason === "no virtual MAC: lo is no Ethernet interface");
}, 60_000);
