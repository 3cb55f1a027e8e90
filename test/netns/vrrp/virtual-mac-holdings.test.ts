import { expect, test } from "bun:test";
import { capture } from "../../support/capture.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { addressesOn, hasFib, ourRoutes, planOf } from "./holdings-lab.ts";
import { pairLab, vip } from "./pair-lab.ts";
import { answersTo, learned, linkState, mac, macLink } from "./virtual-mac-plans.ts";

/** A gateway whose far side only the virtual routes lead to. */
const far = "198.51.100.1";
const keys = [
  "virtual_mac = true",
  'extra_addresses = ["192.0.2.101/24", "203.0.113.2/28", "2001:db8::100/64"]',
  "routes = [",
  `  { destination = "198.51.100.0/24", via = "192.0.2.50", source = "${vip}" },`,
  '  { destination = "198.51.101.0/24", via = "203.0.113.1" },',
  "]",
];

test("with a virtual MAC extra addresses have it too, and routes go out below it in the address's name", async () => {
  await using pair = await pairLab(2);
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/24" } });
  for (const address of [`${far}/32`, "203.0.113.1/28", "198.51.101.1/32", "2001:db8::50/64"]) {
    await client.ip(["address", "add", address, "dev", "eth0", ...(address.includes("::") ? ["nodad"] : [])]);
  }
  const lb1 = await VrrpRole.start(pair.lb1, planOf("lb1", keys));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, planOf("lb2", keys));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  await hasFib(pair.lb1, 2, 0);
  const onMac = (await addressesOn(pair.lb1, macLink)).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  expect(onMac).toEqual([`${vip}/32`, "192.0.2.101/32", "203.0.113.2/28", "2001:db8::100/64"]);
  expect(await ourRoutes(pair.lb1)).toEqual([
    `198.51.100.0/24 via 192.0.2.50 dev eth0 src ${vip}`,
    `198.51.101.0/24 via 203.0.113.1 dev ${macLink}`,
  ]);

  const read = await capture(client, async () => {
    for (const host of [pair.lb1, pair.lb2]) {
      await waitFor(`${host.name} has the routes`, async () => (await ourRoutes(host)).length === 2);
      expect(await answersTo(host, far)).toBe(5);
      expect(await answersTo(host, "198.51.101.1")).toBe(5);
      for (const address of [vip, "192.0.2.101", "203.0.113.2", "2001:db8::100"]) {
        expect(await answersTo(client, address)).toBe(5);
        expect(await learned(client, address)).toBe(mac);
      }
      if (host === pair.lb1) expect(await lb1.stop()).toBe(0);
    }
  });
  expect(await ourRoutes(pair.lb1)).toEqual([]);
  expect(await linkState(pair.lb1, macLink)).toBe("gone");
  // The hosts' own requests go out in the virtual address's name, and nobody learns another MAC for it.
  const asked = await read(`icmp.type == 8 && ip.dst == ${far}`, "ip.src");
  expect([...new Set(asked)]).toEqual([vip]);
  const named = await read(
    `arp.src.proto_ipv4 == ${vip} || arp.src.proto_ipv4 == 203.0.113.2`,
    "arp.src.hw_mac",
  );
  expect([...new Set(named)]).toEqual([mac]);
  await lb2.stop();
}, 60_000);
