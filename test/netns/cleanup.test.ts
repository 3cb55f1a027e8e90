import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { pairFile, vips } from "../support/cluster-file.ts";
import { executable, instanceOf, startEdgeHa } from "../support/edge-ha.ts";
import { type Host, Lab, waitFor } from "../support/lab.ts";

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
  const { stderr, exitCode } = await host.run([executable, "__cleanup"]);
  expect(stderr).toBe("edge-ha: removed 192.0.2.100/24, which a dead service left behind\n");
  expect(exitCode).toBe(0);
  expect(await host.holds("192.0.2.100")).toBe(false);
  expect(await host.holds("192.0.2.101")).toBe(true);
  expect(await host.holds("192.0.2.10")).toBe(true);
  expect(await host.run([executable, "__cleanup"])).toEqual({ stdout: "", stderr: "", exitCode: 0 });
});

test("the clean-up removes interfaces of virtual MACs with what they are on put back, and no other macvlan", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  await host.ip(["link", "add", "other", "link", "eth0", "type", "macvlan", "mode", "bridge"]);
  const node = await startEdgeHa(host, { config: pairFile({ vipKeys: "virtual_mac = true" }), node: "lb1" });
  await waitFor("it holds the first address", () => host.holds(vips.first));
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
  expect(await arpIgnore()).toBe("0");
  const links = await host.ip(["-brief", "link"]);
  expect(links).toContain("other@eth0");
  expect(links).not.toContain("vrrp");
}, 60_000);
