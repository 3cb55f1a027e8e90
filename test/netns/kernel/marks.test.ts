import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Marking } from "../../../src/kernel/mark-table.ts";
import { Lab, type Host } from "../../support/lab.ts";
import { buildAddon } from "../../support/native-addon.ts";

/** Marks against the kernel itself; nft is the independent reader, and a rule of its own counts what was marked. */

const agent = join(import.meta.dir, "agent.ts");
let lab: Lab;
let host: Host;
let client: Host;

beforeAll(async () => {
  buildAddon();
  lab = await Lab.create();
  await lab.bridge("lan");
  host = await lab.host("host", { eth1: { bridge: "lan", address: "192.0.2.1/24" } });
  client = await lab.host("client", { eth1: { bridge: "lan", address: "192.0.2.9/24" } });
  await host.ip(["address", "add", "2001:db8::1/64", "dev", "eth1", "nodad"]);
  await client.ip(["address", "add", "2001:db8::9/64", "dev", "eth1", "nodad"]);
}, 30_000);

afterAll(async () => lab[Symbol.asyncDispose]());

const act = async (...words: readonly string[]): Promise<unknown> => {
  const { stdout, stderr, exitCode } = await host.run([process.execPath, agent, ...words]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout) as unknown;
};

const mark = (markings: readonly Marking[]): Promise<unknown> => act("mark", JSON.stringify(markings));

const nft = async (text: string): Promise<string> => {
  const { stdout, stderr, exitCode } = await host.run(["nft", text]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
};

/** Sends something; whoever asks at a closed port still sends the packet. */
function ask(words: string): Promise<unknown> {
  return client.run(["bash", "-c", `${words} 2>/dev/null; true`]);
}

const web4: Marking = {
  mark: 7,
  family: 4,
  sockets: [80, 443].map((port) => ({ protocol: 6, address: "192.0.2.1", port })),
};
const names6: Marking = {
  mark: 0x1_0000,
  family: 6,
  sockets: [{ protocol: 17, address: "2001:db8::1", port: 53 }],
};

test("the table reads as nft would have written it", async () => {
  expect(await mark([web4, names6])).toEqual({ before: false, after: true });
  expect(await mark([web4, names6])).toEqual({ before: true, after: true });
  const table = await nft("list table inet edge-ha-mark");
  expect(table).toContain("type filter hook prerouting priority mangle; policy accept;");
  expect(table).toContain("type ipv4_addr . inet_proto . inet_service");
  expect(table).toContain("192.0.2.1 . tcp . 80");
  expect(table).toContain("192.0.2.1 . tcp . 443");
  expect(table).toContain("2001:db8::1 . udp . 53");
  expect(table).toMatch(
    /ip daddr \. meta l4proto \. th dport @mark-7-ipv4 meta mark set 0x00000007 comment "mark 7 IPv4"/,
  );
  expect(table).toMatch(
    /ip6 daddr \. meta l4proto \. th dport @mark-65536-ipv6 meta mark set 0x00010000 comment "mark 65536 IPv6"/,
  );
});

test("whoever comes next reads what is marked", async () => {
  await mark([web4, names6]);
  const found = (await act("marks")) as readonly Marking[];
  const inOrder = found.map(({ mark: number, family, sockets }): Marking => {
    return { mark: number, family, sockets: sockets.toSorted((one, other) => one.port - other.port) };
  });
  expect(inOrder).toEqual([web4, names6]);
});

test("packets to these addresses and ports carry the mark, and no others", async () => {
  await nft("add table inet reader");
  await nft("add chain inet reader in { type filter hook input priority 0; }");
  await nft("add counter inet reader seven");
  await nft("add counter inet reader names");
  await nft('add rule inet reader in meta mark 7 counter name "seven"');
  await nft('add rule inet reader in meta mark 0x10000 counter name "names"');
  await ask("echo >/dev/tcp/192.0.2.1/80");
  await ask("echo >/dev/tcp/192.0.2.1/443");
  await ask("echo >/dev/tcp/192.0.2.1/81");
  await ask("echo >/dev/udp/192.0.2.1/80");
  await ask("echo hello >/dev/udp/2001:db8::1/53");
  await ask("echo hello >/dev/tcp/2001:db8::1/53");
  expect(await nft("list counter inet reader seven")).toContain("packets 2 ");
  expect(await nft("list counter inet reader names")).toContain("packets 1 ");
});

test("what somebody else changes is seen and put right in one step", async () => {
  await nft("delete element inet edge-ha-mark mark-7-ipv4 { 192.0.2.1 . tcp . 443 }");
  expect(await mark([web4, names6])).toEqual({ before: false, after: true });
  await nft("flush ruleset");
  expect(await mark([web4])).toEqual({ before: false, after: true });
  expect(await nft("list table inet edge-ha-mark")).not.toContain("ipv6");
});

test("as many ports as a service may have are one set, in one step", async () => {
  // A request of 400 KB: more than a socket sends at once unless it is told to.
  expect(await act("markPorts", "16384")).toEqual({ before: false, after: true });
});
