import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { RealServer } from "./rs.ts";

const vip = "2001:db8::100";
const vip4 = "192.0.2.100";

interface Site {
  readonly client: Host;
  readonly server: RealServer;
}

/** A web server that listens on every address of its own, and a client, on one network with IPv6. */
async function site(lab: Lab): Promise<Site> {
  await lab.bridge("lan");
  const client = await lab.host("client", { eth0: { bridge: "lan", address: "2001:db8::50/64" } });
  const web = await lab.host("web", { eth0: { bridge: "lan", address: "2001:db8::8/64" } });
  web.spawn(["python3", "-m", "http.server", "80", "--bind", "::", "--directory", web.directory]);
  await waitFor("the web server answers", () => isServed(client, "2001:db8::8"));
  return { client, server: new RealServer(web) };
}

async function isServed(host: Host, address: string): Promise<boolean> {
  const curl = ["curl", "-s", "-g", "-m", "2", "--noproxy", "*", "-o", "/dev/null", `http://[${address}]/`];
  return (await host.run(curl)).exitCode === 0;
}

/** Asks the network for an address by neighbour solicitation, as the kernel of the client does, and forgets the answer. */
async function isAnswered(client: Host, address: string): Promise<boolean> {
  await client.ip(["-6", "neighbour", "flush", "dev", "eth0"]);
  await isServed(client, address);
  const shown = await client.ip(["-6", "neighbour", "show", address, "dev", "eth0"]);
  return shown.includes("lladdr");
}

test("an IPv6 VIP is served, is at once usable, and no neighbour solicitation for it is answered", async () => {
  await using lab = await Lab.create();
  const { client, server } = await site(lab);
  expect(await server.expect("start", [vip])).toContain(`started: ${vip}`);
  const shown = await server.host.ip(["-6", "address", "show", "dev", "lo"]);
  expect(shown).toContain(`inet6 ${vip}/128 scope global nodad deprecated`);
  expect(await isServed(server.host, vip)).toBe(true);
  expect(await isAnswered(client, vip)).toBe(false);
  expect(await isAnswered(client, "2001:db8::8")).toBe(true);

  // Not even as a router that stands in for neighbours, with every multicast frame let in.
  const settings = ["net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.all.proxy_ndp=1"];
  expect((await server.host.run(["sysctl", "-qw", ...settings])).exitCode).toBe(0);
  await server.host.ip(["link", "set", "eth0", "promisc", "on", "allmulticast", "on"]);
  expect(await isAnswered(client, vip)).toBe(false);

  // What a director in direct-routing mode does: the VIP as the destination, the server's MAC on the frame.
  const links = JSON.parse(await server.host.ip(["-json", "link", "show", "eth0"])) as { address: string }[];
  const mac = links[0]?.address ?? "";
  await client.ip(["-6", "neighbour", "replace", vip, "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
  expect(await isServed(client, vip)).toBe(true);
  await server.expect("stop");
  expect(await isServed(client, vip)).toBe(false);
}, 60_000);

test("the answer to a client that is not known yet does not name the VIP in the solicitation", async () => {
  await using lab = await Lab.create();
  const { client, server } = await site(lab);
  await server.expect("start", [vip]);
  await client.ip(["-6", "address", "add", "2001:db8::51/64", "dev", "eth0", "nodad"]);
  const solicitations = "icmp6 and ip6[40] == 135";
  const seen = client.spawn(["tcpdump", "-lnni", "eth0", solicitations]);
  await waitFor("the capture runs", () => seen.output().includes("listening on"));
  const links = JSON.parse(await server.host.ip(["-json", "link", "show", "eth0"])) as { address: string }[];
  const mac = links[0]?.address ?? "";
  await client.ip(["-6", "neighbour", "replace", vip, "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
  const curl = [
    "curl",
    "-s",
    "-g",
    "-m",
    "5",
    "-o",
    "/dev/null",
    "--interface",
    "2001:db8::51",
    `http://[${vip}]/`,
  ];
  expect((await client.run(curl)).exitCode).toBe(0);
  await waitFor("the solicitation was captured", () => seen.output().includes("who has 2001:db8::51"));
  expect(seen.output()).not.toContain(`${vip} > `);
}, 60_000);

test("VIPs of both families come and go together, and ARP settings with the last IPv4 one", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  const before = await server.snapshot();
  const show6 = (): Promise<string> => server.host.ip(["-6", "-oneline", "address", "show", "dev", "lo"]);
  await server.expect("start", [vip, vip4]);
  expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${vip4}/32 lo:0`]);
  expect(await show6()).toContain(` ${vip}/128 `);
  expect(await server.expect("start", [vip])).toContain("set net.ipv4.conf.all.arp_ignore from 1 to 0");
  expect(await server.snapshot()).toEqual(before);
  expect(await show6()).toContain(` ${vip}/128 `);
  expect(await server.expect("start", [vip])).toContain("nothing to change");
  await server.expect("stop");
  expect(await show6()).not.toContain(vip);
  expect(existsSync(server.statePath)).toBe(false);
});

test("IPv6 that is switched off is named before anything is changed", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  await server.setSysctl("net.ipv6.conf.lo.disable_ipv6", "1");
  const before = await server.snapshot();
  const { exitCode, stderr } = await server.run("start", [vip4, vip]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("sysctl -w net.ipv6.conf.lo.disable_ipv6=0");
  expect(await server.snapshot()).toEqual(before);
});

test("starts and stops that run at the same moment leave what one after the other would", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  await server.setSysctl("net.ipv4.conf.all.arp_ignore", "2");
  const before = await server.snapshot();
  for (let round = 0; round < 3; round += 1) {
    const runs = await Promise.all([
      server.run("start", [vip4]),
      server.run("start", ["192.0.2.101", vip]),
      server.run("start", [vip4, "192.0.2.101"]),
      server.run("stop", [vip4]),
    ]);
    expect(runs.map(({ exitCode, stderr }) => `${exitCode}${stderr}`)).toEqual(["0", "0", "0", "0"]);
    expect((await server.run("stop")).exitCode).toBe(0);
    expect(await server.snapshot()).toEqual(before);
    expect(existsSync(server.statePath)).toBe(false);
  }
}, 60_000);

test("a tunnel that the kernel has no module for is refused by the module's name, and everything is as it was", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  const hasIpip =
    (await server.host.run(["ip", "link", "add", "probe0", "type", "ipip", "external"])).exitCode === 0;
  // A kernel that has it is tested in the virtual machine.
  if (hasIpip) return;
  const before = await server.snapshot();
  const { exitCode, stderr } = await server.run("start", [vip4], "--tunnel", "ipip");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("could not make the tunnel device rs-ipip (ipip): the kernel has no module ipip");
  expect(stderr).toContain("everything is as it was");
  expect(await server.snapshot()).toEqual(before);
  const gue = await server.run("start", [vip4], "--tunnel", "gue:0");
  expect(gue.exitCode).toBe(2);
  expect(gue.stderr).toContain("gue:0 is no tunnel; write ipip, gre");
});
