import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { addressNote } from "../../src/kernel/journal-notes.ts";
import { pairFile, vips } from "../support/cluster-file.ts";
import { executable, instanceOf, startEdgeHa } from "../support/edge-ha.ts";
import { type Host, Lab, waitFor } from "../support/lab.ts";
import { noteOfRule, writeJournal } from "../support/written-journal.ts";

const rtnetlink = resolve(import.meta.dir, "../../src/kernel/rtnetlink.ts");

/** Adds an address with a tag, which the `ip` of Debian 12 cannot do. */
async function addTagged(
  host: Host,
  address: string,
  tag: "vrrp" | "realServer",
  lifetimeS: number | null = null,
): Promise<void> {
  const script = `
    import { addressProtocol, RouteNetlink } from ${JSON.stringify(rtnetlink)};
    const netlink = RouteNetlink.open();
    const linkIndex = netlink.links().find((link) => link.name === "eth0").index;
    const place = { linkIndex, address: ${JSON.stringify(address)}, prefixLength: 24, label: null, scope: 0 };
    const address = Object.assign(place, { protocol: addressProtocol.${tag} });
    netlink.addAddress(address);
    const lifetimeS = ${lifetimeS};
    if (lifetimeS !== null) netlink.apply([{ kind: "lease-address", address, lifetimeS }]);
    netlink.close();`;
  const { stderr, exitCode } = await host.run([process.execPath, "-e", script]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
}

test("after a crash the clean-up leaves what the kernel removes by itself to the service that is started again", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  await addTagged(host, "192.0.2.100", "vrrp");
  await addTagged(host, "192.0.2.101", "vrrp", 60);
  const crashed = { env: { SERVICE_RESULT: "signal" } };
  const { stderr, exitCode } = await host.run([executable, "__cleanup"], crashed);
  expect(stderr).toBe("edge-ha: removed 192.0.2.100/24, which a dead service left behind\n");
  expect(exitCode).toBe(0);
  expect(await host.holds("192.0.2.101")).toBe(true);
  await host.run([executable, "__cleanup"], { env: { SERVICE_RESULT: "success" } });
  expect(await host.holds("192.0.2.101")).toBe(false);
});

test("the clean-up removes what dead elections left behind and nothing else", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  await addTagged(host, "192.0.2.100", "vrrp");
  await addTagged(host, "192.0.2.101", "realServer");
  // Marks come before the services that go by them: who dies in between has noted none of these.
  for (const table of ["edge-ha-mark", "other"]) await host.run(["nft", `add table inet ${table}`]);
  const { stderr, exitCode } = await host.run([executable, "__cleanup"]);
  expect(stderr).toBe("edge-ha: removed 192.0.2.100/24, which a dead service left behind\n");
  expect(exitCode).toBe(0);
  expect(await host.holds("192.0.2.100")).toBe(false);
  expect(await host.holds("192.0.2.101")).toBe(true);
  expect(await host.holds("192.0.2.10")).toBe(true);
  expect((await host.run(["nft", "list", "tables"])).stdout).toBe("table inet other\n");
  expect(await host.run([executable, "__cleanup"])).toEqual({ stdout: "", stderr: "", exitCode: 0 });
});

test("the clean-up removes interfaces of virtual MACs with what they are on put back, and no other macvlan", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  await host.ip(["link", "add", "other", "link", "eth0", "type", "macvlan", "mode", "bridge"]);
  const six = `[[vip]]
name = "six"
address = "2001:db8::100/64"
interface = "eth0"
vrid = 53
prefer = ["lb1", "lb2"]
virtual_mac = true
`;
  const config = `${pairFile({ vipKeys: "virtual_mac = true" })}\n${six}`;
  const node = await startEdgeHa(host, { config, node: "lb1" });
  const addresses = [vips.first, "2001:db8::100", "fe80::200:5eff:fe00:235"];
  for (const address of addresses) await waitFor(`it holds ${address}`, () => host.holds(address));
  expect((await instanceOf(node, "first")).virtualMac).toEqual({
    interface: "vrrp4-51-eth0",
    mac: "00:00:5e:00:01:33",
  });
  await host.killAll();
  const arpIgnore = async (): Promise<string> =>
    (await host.run(["cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore"])).stdout.trim();
  expect(await arpIgnore()).toBe("1");
  const { stderr, exitCode } = await host.run([executable, "__cleanup"]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("removed interface vrrp4-51-eth0, which a dead service left behind");
  expect(stderr).toContain("removed interface vrrp4-52-eth0, which a dead service left behind");
  expect(stderr).toContain("removed interface vrrp6-53-eth0, which a dead service left behind");
  for (const address of addresses) expect(await host.holds(address)).toBe(false);
  expect(await arpIgnore()).toBe("0");
  const links = await host.ip(["-brief", "link"]);
  expect(links).toContain("other@eth0");
  expect(links).not.toContain("vrrp");
}, 60_000);

test("the clean-up removes rules and routes with the elections' tag, and nobody else's", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  const via = ["via", "192.0.2.1", "dev", "eth0"];
  await host.ip(["route", "add", "198.51.100.0/24", ...via, "proto", "69"]);
  await host.ip(["route", "add", "default", ...via, "table", "100", "proto", "69"]);
  await host.ip(["-6", "route", "add", "blackhole", "2001:db8:1::/48", "proto", "69"]);
  await host.ip(["route", "add", "203.0.113.0/24", ...via]);
  await host.ip(["rule", "add", "from", "192.0.2.100", "table", "100", "priority", "500", "protocol", "69"]);
  await host.ip(["-6", "rule", "add", "iif", "eth0", "table", "100", "priority", "501", "protocol", "69"]);
  await host.ip(["rule", "add", "from", "192.0.2.101", "table", "100", "priority", "502"]);
  await addTagged(host, "192.0.2.100", "vrrp", 60);

  const fib = async (): Promise<string> => {
    const routes = ["route", "show", "table", "all"];
    const shown = [routes, ["-6", ...routes], ["rule"], ["-6", "rule"]].map((words) => host.ip(words));
    return (await Promise.all(shown)).join("");
  };
  // While the next start may take the addresses over, it may take over what goes with them.
  const before = await fib();
  const crashed = await host.run([executable, "__cleanup"], { env: { SERVICE_RESULT: "signal" } });
  expect(crashed).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  expect(await fib()).toBe(before);

  const { stderr, exitCode } = await host.run([executable, "__cleanup"]);
  const removed = [...stderr.matchAll(/removed (.+), which/g)].map(([, what = ""]) => what);
  expect(removed.slice(0, 2)).toEqual(["rule 500", "rule 501"]);
  expect(removed.slice(2, -1).toSorted()).toEqual([
    "route 0.0.0.0/0 in table 100",
    "route 198.51.100.0/24 in table 254",
    "route 2001:db8:1::/48 in table 254",
  ]);
  expect(removed.at(-1)).toBe("192.0.2.100/24");
  expect(exitCode).toBe(0);
  const after = await fib();
  expect(after).not.toMatch(/198\.51\.100\.0|table 100 proto 69|2001:db8:1::|from 192\.0\.2\.100 |iif eth0/);
  expect(after).toContain("203.0.113.0/24 via 192.0.2.1");
  expect(after).toContain("502:\tfrom 192.0.2.101 lookup 100");
});

test("the clean-up removes what the journal notes where the kernel keeps no tags, and empties it", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  const [{ ifindex }] = JSON.parse(await host.ip(["-j", "link", "show", "eth0"])) as [{ ifindex: number }];
  await host.ip(["address", "add", "192.0.2.100/24", "dev", "eth0"]);
  await host.ip(["address", "add", "192.0.2.101/24", "dev", "eth0"]);
  const rule = ["from", "192.0.2.100", "table", "100", "protocol", "0"];
  await host.ip(["rule", "add", ...rule, "priority", "500"]);
  await host.ip(["rule", "add", ...rule, "priority", "501"]);

  const state = join(host.directory, "state");
  const entries = [
    addressNote({ linkIndex: ifindex, address: "192.0.2.100", prefixLength: 24 }),
    noteOfRule(500),
  ];
  const journal = await writeJournal(host, state, entries);
  const env = { EDGE_HA_STATE_DIRECTORY: state };
  const { stderr, exitCode } = await host.run([executable, "__cleanup"], { env });
  expect(stderr.match(/removed .+,/g)).toEqual(["removed rule 500,", "removed 192.0.2.100/24,"]);
  expect(exitCode).toBe(0);
  expect(await host.holds("192.0.2.100")).toBe(false);
  expect(await host.holds("192.0.2.101")).toBe(true);
  const rules = await host.ip(["rule"]);
  expect(rules).not.toContain("500:");
  expect(rules).toContain("501:");
  expect(existsSync(journal)).toBe(false);
});
