import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { executable } from "../support/edge-ha.ts";
import { type Host, Lab } from "../support/lab.ts";

const rtnetlink = resolve(import.meta.dir, "../../src/kernel/rtnetlink.ts");

/** Adds an address with a tag, which the `ip` of Debian 12 cannot do. */
async function addTagged(host: Host, address: string, tag: "vrrp" | "realServer"): Promise<void> {
  const script = `
    import { addressProtocol, RouteNetlink } from ${JSON.stringify(rtnetlink)};
    const netlink = RouteNetlink.open();
    const linkIndex = netlink.links().find((link) => link.name === "eth0").index;
    const [address, protocol] = [${JSON.stringify(address)}, addressProtocol.${tag}];
    netlink.addAddress({ linkIndex, address, prefixLength: 24, label: null, scope: 0, protocol });
    netlink.close();`;
  const { stderr, exitCode } = await host.run([process.execPath, "-e", script]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
}

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
