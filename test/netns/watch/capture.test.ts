import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { pairFile, vips } from "../../support/cluster-file.ts";
import { executable, startEdgeHa } from "../../support/edge-ha.ts";
import { Frr } from "../../support/frr.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { createPair, type Pair } from "../../support/pair.ts";
import { vrrpFrame } from "../../support/vrrp-frame.ts";
import { toHex } from "../../../src/base/bytes.ts";
import { linesOf, Watching, type WatchLine } from "./watching.ts";

setDefaultTimeout(90_000);

const tsharkFields = `ip.src ip.dst ip.ttl ipv6.src ipv6.dst ipv6.hlim eth.src
  vrrp.version vrrp.virt_rtr_id vrrp.prio vrrp.addr_count vrrp.ip_addr vrrp.ipv6_addr
  vrrp.auth_type vrrp.adver_int vrrp.short_adver_int`.split(/\s+/);

/** What both readers say of an advertisement, in one line. */
function ourFields(line: WatchLine): string {
  const { source, ttl, sourceMac, version, vrid, priority, intervalMs, addresses, authentication } = line;
  const list = addresses as readonly string[];
  const pass = authentication === "pass" ? 1 : 0;
  return [
    source,
    line["destination"],
    ttl,
    sourceMac,
    version,
    vrid,
    priority,
    list.join(","),
    intervalMs,
    pass,
  ].join(" ");
}

function theirFields(line: string): string {
  const [
    src4,
    dst4,
    ttl4,
    src6,
    dst6,
    ttl6,
    mac,
    version,
    vrid,
    prio,
    ,
    list4,
    list6,
    type,
    seconds,
    centiseconds,
  ] = line.split("\t");
  const intervalMs = version === "2" ? Number(seconds) * 1000 : Number(centiseconds) * 10;
  const outside = [src4 || src6, dst4 || dst6, ttl4 || ttl6, mac];
  return [...outside, version, vrid, prio, list4 || list6, intervalMs, type === "1" ? 1 : 0].join(" ");
}

async function tsharkReads(host: Host, file: string): Promise<readonly string[]> {
  const wanted = tsharkFields.flatMap((field) => ["-e", field]);
  const { stdout, exitCode, stderr } = await host.run([
    "tshark",
    "-r",
    file,
    "-Y",
    "vrrp",
    "-T",
    "fields",
    ...wanted,
  ]);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

async function weRead(host: Host, ...args: readonly string[]): Promise<readonly WatchLine[]> {
  const { stdout, stderr } = await host.run([executable, "watch", "--json", ...args]);
  expect(stderr).toBe("");
  return linesOf(stdout);
}

const adverts = (lines: readonly WatchLine[]): readonly WatchLine[] =>
  lines.filter(({ kind }) => kind === "advert");

/** keepalived with a password, FRR with virtual MACs and IPv6, and edge-ha with signatures. */
async function startAll({ lb1, lb2, web1 }: Pair): Promise<void> {
  const routers = { interface: "eth0", addresses: [`${vips.second}/24`] } as const;
  await startKeepalived(web1, [
    { ...routers, version: 2, vrid: 61, priority: 200, advertInterval: 1, password: "s3cr3t" },
  ]);
  await Frr.start(lb2, [
    {
      interface: "eth0",
      version: 3,
      vrid: 62,
      priority: 150,
      advertIntervalMs: 250,
      addresses: ["192.0.2.102/24", "fe80::102/64", "2001:db8::102/64"],
    },
  ]);
  const config = pairFile({ auth: '{ type = "hmac", keys = { 7 = "the key of both nodes" } }' });
  await startEdgeHa(lb1, { config, node: "lb1" });
}

test("what is read live, and from the files of tcpdump and tshark, is what tshark reads", async () => {
  await using pair = await createPair();
  const { client } = pair;
  await startAll(pair);
  const file = (name: string): string => join(client.directory, name);
  const tcpdump = client.spawn([
    "tcpdump",
    "-i",
    "eth0",
    "-U",
    "--immediate-mode",
    "-Z",
    "root",
    "-w",
    file("a.pcap"),
  ]);
  await waitFor("tcpdump listens", () => tcpdump.output().includes("listening on"));
  const watching = await Watching.start(client, "--write", file("b.pcap"));
  await watching.sees("advert", { vrid: 61, authentication: "pass" });
  await watching.sees("advert", { vrid: 62, family: 6, sourceMac: "00:00:5e:00:02:3e" });
  await watching.sees("advert", { vrid: 62, family: 4, sourceMac: "00:00:5e:00:01:3e" });
  await watching.sees("advert", { vrid: 51, authentication: "hmac", keyId: 7 });
  await waitFor("keepalived has spoken twice", () => watching.all("advert", { vrid: 61 }).length > 1);
  const { summary } = await watching.stop();
  tcpdump.kill("SIGINT");
  await tcpdump.exited;
  expect(summary["dropped"]).toBe(0);

  const live = watching.all("advert").map(ourFields);
  expect((await tsharkReads(client, file("b.pcap"))).map(theirFields)).toEqual(live);
  expect(adverts(await weRead(client, "--read", file("b.pcap"))).map(ourFields)).toEqual(live);

  const theirs = (await tsharkReads(client, file("a.pcap"))).map(theirFields);
  const formats = {
    "nano.pcap": ["-F", "nsecpcap"],
    "ng.pcapng": ["-F", "pcapng"],
  };
  for (const [name, options] of Object.entries(formats)) {
    expect((await client.run(["editcap", ...options, file("a.pcap"), file(name)])).exitCode).toBe(0);
    expect(adverts(await weRead(client, "--read", file(name))).map(ourFields)).toEqual(theirs);
  }
  const piped = await client.run(["sh", "-c", `${executable} watch --json --read - <${file("a.pcap")}`]);
  expect(adverts(linesOf(piped.stdout)).map(ourFields)).toEqual(theirs);
});

test("a capture of all interfaces, cooked in either way, is read", async () => {
  await using pair = await createPair();
  const { client, lb1 } = pair;
  await startKeepalived(lb1, [
    {
      interface: "eth0",
      version: 3,
      vrid: 61,
      priority: 200,
      advertInterval: 0.1,
      addresses: [`${vips.first}/24`],
    },
  ]);
  for (const type of ["LINUX_SLL", "LINUX_SLL2"]) {
    const file = join(client.directory, `${type}.pcap`);
    const options = ["-i", "any", "-y", type, "-U", "-Z", "root", "-c", "3", "-w", file, "proto 112"];
    expect((await client.run(["tcpdump", ...options])).exitCode).toBe(0);
    const lines = adverts(await weRead(client, "--read", file));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ vrid: 61, source: "192.0.2.11", addresses: [vips.first] });
    expect(lines[0]?.["sourceMac"]).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  }
});

test("frames with a VLAN tag are seen through, and are another network than those without", async () => {
  await using pair = await createPair();
  const { client, lb1 } = pair;
  const script = join(import.meta.dir, "../../support/send-frames.ts");
  const frames = [
    vrrpFrame({ vlan: 10, source: "198.51.100.11" }),
    vrrpFrame({ source: "192.0.2.11" }),
    vrrpFrame({ vlan: 10, source: "fe80::11", mac: "00005e000233" }),
  ].map(toHex);
  lb1.spawn([process.execPath, script, "eth0", ...frames]);
  const file = join(client.directory, "tagged.pcap");
  const watching = await Watching.start(client, "--write", file);
  await watching.sees("advert", { vrid: 51, vlans: [10], source: "198.51.100.11" });
  await watching.sees("advert", { vrid: 51, vlans: [], source: "192.0.2.11" });
  await watching.sees("advert", { vrid: 51, vlans: [10], family: 6, sourceMac: "00:00:5e:00:02:33" });
  const { status, summary } = await watching.stop();
  expect(summary["routers"]).toHaveLength(3);
  // The first address of the IPv6 router and its source are link-local: nothing is wrong.
  expect(status).toBe(0);
  const { stdout } = await client.run([
    "tshark",
    "-r",
    file,
    "-c",
    "3",
    "-T",
    "fields",
    "-e",
    "vlan.id",
    "-e",
    "vrrp",
  ]);
  expect(stdout.split("\n").filter((line) => line.startsWith("10"))).not.toEqual([]);
});
