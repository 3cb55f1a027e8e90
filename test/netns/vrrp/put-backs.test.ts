import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Host, waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { addressesOn, hasFib, ourRoutes, ourRules, planOf, textsOn } from "./holdings-lab.ts";
import { pairLab } from "./pair-lab.ts";

setDefaultTimeout(60_000);

/** Somebody else's `ip` against what an active router holds. */

const keys = [
  'extra_addresses = ["2001:db8::100/64", { address = "192.0.3.100/24", interface = "eth1" }]',
  "routes = [",
  '  { destination = "198.51.100.0/24", via = "192.0.2.1" },',
  '  { destination = "203.0.113.0/24", via = "192.0.3.1", table = 100 },',
  '  { destination = "2001:db8:1::/48", via = "2001:db8::1" },',
  "]",
  'rules = [{ from = "192.0.2.100", table = 100, priority = 1000 }]',
];

const has = async (host: Host, link: string, address: string): Promise<boolean> =>
  (await textsOn(host, link)).includes(address);

test("what somebody else removes is put back, and said", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  const lb1 = await VrrpRole.start(host, planOf("lb1", keys));
  await lb1.reaches("active");
  await hasFib(host, 3, 1);
  const removals: readonly (readonly [string, readonly string[]])[] = [
    ["2001:db8::100/64 on eth0", ["address", "del", "2001:db8::100/64", "dev", "eth0"]],
    ["192.0.3.100/24 on eth1", ["address", "del", "192.0.3.100/24", "dev", "eth1"]],
    ["route 198.51.100.0/24 via 192.0.2.1 dev eth0", ["route", "del", "198.51.100.0/24"]],
    ["route 2001:db8:1::/48 via 2001:db8::1 dev eth0 metric 1024", ["-6", "route", "del", "2001:db8:1::/48"]],
    ["rule 1000: from 192.0.2.100/32 table 100", ["rule", "del", "priority", "1000"]],
  ];
  for (const [what, command] of removals) {
    await host.ip(command);
    await waitFor(`the log speaks of ${what}`, () =>
      lb1.log().includes(`${what} was removed by someone else`),
    );
  }
  await waitFor("everything is there", async () => {
    const isThere =
      (await has(host, "eth0", "2001:db8::100/64")) && (await has(host, "eth1", "192.0.3.100/24"));
    return isThere && (await ourRoutes(host)).length === 3 && (await ourRules(host)).length === 1;
  });
  expect(lb1.history()).toEqual(["backup", "active"]);
  expect(await lb1.stop()).toBe(0);
  expect([...(await ourRoutes(host)), ...(await ourRules(host))]).toEqual([]);
});

test("who insists is met with a pause, and the rest is still looked after", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  const lb1 = await VrrpRole.start(host, planOf("lb1", keys));
  await lb1.reaches("active");
  await hasFib(host, 3, 1);
  for (let round = 1; round <= 5; round++) {
    await waitFor("the rule is there", async () => (await ourRules(host)).length === 1);
    await host.ip(["rule", "del", "priority", "1000"]);
  }
  const insisted = "rule 1000: from 192.0.2.100/32 table 100 was removed by someone else 5 times";
  await waitFor("it says that somebody insists", () => lb1.log().includes(insisted));
  const both = join(host.directory, "both");
  writeFileSync(both, "rule del priority 1000\nroute del 198.51.100.0/24\n");
  await host.ip(["-batch", both]);
  const again = "was removed by someone else 6 times";
  await waitFor("the rule is back after its pause", () => lb1.log().includes(again));
  await hasFib(host, 3, 1);
  const route = "route 198.51.100.0/24 via 192.0.2.1 dev eth0 was removed by someone else";
  expect(lb1.log().indexOf(route)).toBeGreaterThan(lb1.log().indexOf(insisted));
  expect(lb1.log().indexOf(route)).toBeLessThan(lb1.log().indexOf(again));
  expect(lb1.log()).toContain("the next time not before 2 s from now");
  await lb1.stop();
});

test("after a flush of all addresses the node gives way, and takes everything back with its own address", async () => {
  await using pair = await pairLab(2);
  const lb1 = await VrrpRole.start(pair.lb1, planOf("lb1", keys));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, planOf("lb2", keys));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  await hasFib(pair.lb1, 3, 1);
  // Of an interface that only extra addresses are on: what is not the host's own comes back by itself.
  // `ip` gives up where an address comes back as fast as it removes it.
  await pair.lb1.run(["ip", "address", "flush", "dev", "eth1"]);
  await waitFor("the extra address is back", () => has(pair.lb1, "eth1", "192.0.3.100/24"));
  await hasFib(pair.lb1, 3, 1);
  expect(lb1.history()).toEqual(["backup", "active"]);
  // Of the interface that it speaks on: there is nothing left to speak from.
  await pair.lb1.ip(["address", "flush", "dev", "eth0"]);
  await lb2.reaches("active");
  await lb1.reaches("fault");
  await hasFib(pair.lb2, 3, 1);
  await hasFib(pair.lb1, 0, 0);
  expect(await textsOn(pair.lb1, "eth0")).toEqual([]);
  expect(await textsOn(pair.lb1, "eth1")).not.toContain("192.0.3.100/24");
  await pair.lb1.ip(["address", "add", "192.0.2.10/24", "dev", "eth0"]);
  await lb1.reaches("active");
  await hasFib(pair.lb1, 3, 1);
  await hasFib(pair.lb2, 0, 0);
  expect(await textsOn(pair.lb1, "eth0")).toContain("2001:db8::100/64");
  await Promise.all([lb1.stop(), lb2.stop()]);
});

test("an interface that is deleted and made again gets its addresses and routes back", async () => {
  await using pair = await pairLab();
  const { lb1: host } = pair;
  const make = async (): Promise<void> => {
    await host.ip(["link", "add", "eth1", "type", "veth", "peer", "name", "peer1"]);
    await host.ip(["address", "add", "192.0.3.10/24", "dev", "eth1"]);
    for (const link of ["eth1", "peer1"]) await host.ip(["link", "set", link, "up"]);
  };
  await make();
  const lb1 = await VrrpRole.start(host, planOf("lb1", keys));
  await lb1.reaches("active");
  await hasFib(host, 3, 1);
  await host.ip(["link", "delete", "eth1"]);
  await waitFor("its route is gone", async () => (await ourRoutes(host)).length === 2);
  await make();
  await waitFor("the address is back", () => has(host, "eth1", "192.0.3.100/24"));
  await hasFib(host, 3, 1);
  // Down and up again: the kernel drops the routes without a word, and keeps IPv4 addresses.
  await host.ip(["link", "set", "eth1", "down"]);
  await waitFor("its route is gone again", async () => (await ourRoutes(host)).length === 2);
  await host.ip(["link", "set", "eth1", "up"]);
  await hasFib(host, 3, 1);
  expect(lb1.history()).toEqual(["backup", "active"]);
  expect(await lb1.stop()).toBe(0);
  expect(await textsOn(host, "eth1")).not.toContain("192.0.3.100/24");
});

test("an address that others stand behind in its network goes alone, and the setting is put back", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  const promotes = async (link: string): Promise<string> =>
    (await host.run(["cat", `/proc/sys/net/ipv4/conf/${link}/promote_secondaries`])).stdout.trim();
  await host.run([
    "sh",
    "-ec",
    "for each in all eth0 eth1; do echo 0 >/proc/sys/net/ipv4/conf/$each/promote_secondaries; done",
  ]);
  const lb1 = await VrrpRole.start(host, planOf("lb1", keys));
  await lb1.reaches("active");
  await waitFor("the extra address is there", () => has(host, "eth1", "192.0.3.100/24"));
  expect([await promotes("eth0"), await promotes("eth1")]).toEqual(["1", "1"]);
  const monitor = host.spawn(["ip", "-o", "monitor", "address"]);
  await waitFor("the monitor sees a renewal", () => monitor.output().includes("192.0.3.100/24"));
  await host.ip(["address", "add", "192.0.3.55/24", "dev", "eth1"]);
  await host.ip(["address", "del", "192.0.3.10/24", "dev", "eth1"]);
  await waitFor("the monitor has seen it go", () => /Deleted .*192\.0\.3\.10\//.test(monitor.output()));
  // It is now the first of its network itself, and its own end takes nobody along.
  await waitFor("the virtual address is the first", async () => {
    const first = (await addressesOn(host, "eth1")).find(({ local }) => local.startsWith("192.0.3."));
    return first?.local === "192.0.3.100";
  });
  expect(monitor.output()).not.toMatch(/Deleted .*192\.0\.3\.(100|55)\//);
  expect(await lb1.stop()).toBe(0);
  expect(await textsOn(host, "eth1")).toContain("192.0.3.55/24");
  expect(await textsOn(host, "eth1")).not.toContain("192.0.3.100/24");
  expect([await promotes("eth0"), await promotes("eth1")]).toEqual(["0", "0"]);
});
