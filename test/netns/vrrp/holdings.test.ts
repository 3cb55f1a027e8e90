import { expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { addressesOn, hasFib, ourRoutes, ourRules, planOf, textsOn } from "./holdings-lab.ts";
import { pairLab } from "./pair-lab.ts";

setDefaultTimeout(60_000);

/** Of everything there is: both families, both interfaces, each kind of route and of rule. */
const keys = [
  'label = "eth0:vip"',
  'extra_addresses = ["192.0.2.101/24", "2001:db8::100/64", { address = "192.0.3.100/25", interface = "eth1", label = "eth1:in", scope = "link" }]',
  "routes = [",
  '  { destination = "default", via = "192.0.2.1", source = "192.0.2.100", metric = 50 },',
  '  { destination = "198.51.100.0/24", via = "192.0.3.1", table = 100 },',
  '  { destination = "203.0.113.0/24", type = "blackhole" },',
  '  { destination = "203.0.113.9/32", interface = "eth1" },',
  '  { destination = "2001:db8:1::/48", via = "2001:db8::1", source = "2001:db8::100" },',
  '  { destination = "2001:db8:2::/48", type = "prohibit", table = 100 },',
  "]",
  "rules = [",
  '  { from = "192.0.2.100", table = 100, priority = 1000 },',
  '  { to = "203.0.113.0/24", iif = "eth1", mark = "0x10/0xff", type = "unreachable", priority = 1001 },',
  '  { from = "2001:db8::100", table = 100, priority = 1000 },',
  "]",
];

test("addresses, routes and rules come with an election and go with the next", async () => {
  await using pair = await pairLab(2);
  const own = { eth0: await textsOn(pair.lb1, "eth0"), eth1: await textsOn(pair.lb1, "eth1") };
  const lb1 = await VrrpRole.start(pair.lb1, planOf("lb1", keys));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, planOf("lb2", keys));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  await hasFib(pair.lb1, 6, 3);
  await hasFib(pair.lb2, 0, 0);

  expect(await addressesOn(pair.lb1, "eth0")).toMatchObject([
    { local: "192.0.2.10" },
    { local: "192.0.2.100", prefixlen: 24, label: "eth0:vip", scope: "global" },
    { local: "192.0.2.101", prefixlen: 24, label: "eth0:vip", scope: "global" },
    { local: "2001:db8::100", prefixlen: 64, scope: "global", nodad: true, deprecated: true },
    { scope: "link" },
  ]);
  expect((await addressesOn(pair.lb1, "eth1")).find(({ local }) => local === "192.0.3.100")).toMatchObject({
    prefixlen: 25,
    label: "eth1:in",
    scope: "link",
  });
  expect(await ourRoutes(pair.lb1)).toEqual([
    "198.51.100.0/24 via 192.0.3.1 dev eth1 table 100",
    "default via 192.0.2.1 dev eth0 src 192.0.2.100 metric 50",
    "blackhole 203.0.113.0/24",
    "203.0.113.9 dev eth1 scope link",
    "prohibit 2001:db8:2::/48 dev lo table 100 metric 1024 pref medium",
    "2001:db8:1::/48 via 2001:db8::1 dev eth0 src 2001:db8::100 metric 1024 pref medium",
  ]);
  expect(await ourRules(pair.lb1)).toEqual(["1000 100", "1001 unreachable", "1000 100"]);
  expect(await textsOn(pair.lb2, "eth0")).not.toContain("192.0.2.101/24");

  expect(await lb1.stop()).toBe(0);
  await lb2.reaches("active");
  await hasFib(pair.lb2, 6, 3);
  await hasFib(pair.lb1, 0, 0);
  expect(await textsOn(pair.lb2, "eth0")).toContain("2001:db8::100/64");
  expect(await textsOn(pair.lb2, "eth1")).toContain("192.0.3.100/25");
  expect(await textsOn(pair.lb1, "eth0")).toEqual([...own.eth0]);
  expect(await textsOn(pair.lb1, "eth1")).toEqual([...own.eth1]);
  expect(lb1.log() + lb2.log()).not.toMatch(/cannot be|removed by someone/);
  await lb2.stop();
});

test("with duplicate address detection a route in the address's name waits for it", async () => {
  await using pair = await pairLab(2);
  const careful = planOf("lb1", [
    "nodad = false",
    'extra_addresses = ["2001:db8::100/64"]',
    'routes = [{ destination = "2001:db8:1::/48", via = "2001:db8::1", source = "2001:db8::100" }]',
  ]);
  await pair.lb1.run([
    "sh",
    "-ec",
    "cd /proc/sys/net/ipv6/conf/eth0; echo 1 >accept_dad; echo 1 >dad_transmits",
  ]);
  const lb1 = await VrrpRole.start(pair.lb1, careful);
  await lb1.reaches("active");
  await hasFib(pair.lb1, 1, 0);
  expect(lb1.log()).toContain("src 2001:db8::100 metric 1024 cannot be added");
  const address = (await addressesOn(pair.lb1, "eth0")).find(({ local }) => local === "2001:db8::100");
  expect(address).toMatchObject({ prefixlen: 64, scope: "global", deprecated: true });
  expect([address?.nodad, address?.tentative]).toEqual([undefined, undefined]);
  expect(await lb1.stop()).toBe(0);
  expect(await ourRoutes(pair.lb1)).toEqual([]);
});
