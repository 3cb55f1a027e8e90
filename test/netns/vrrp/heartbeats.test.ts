import { expect, setDefaultTimeout, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab, vip } from "./pair-lab.ts";

setDefaultTimeout(90_000);

const name = "public-1";
const vip6 = "2001:db8::100";

/** Own addresses over IPv6, beside those that the lab gives. */
const own6 = {
  lb1: { eth0: "fe80::10", eth1: "fd00::10" },
  lb2: { eth0: "fe80::11", eth1: "fd00::11" },
} as const;

async function giveIpv6(pair: PairLab): Promise<void> {
  for (const host of ["lb1", "lb2"] as const) {
    for (const [on, address] of Object.entries(own6[host]))
      await pair[host].ip(["address", "add", `${address}/64`, "dev", on]);
  }
}

/** A cluster's file with a heartbeat, as an operator writes it. */
function plans(keys: string, family: 4 | 6 = 4): readonly [VrrpPlan, VrrpPlan] {
  const text = `[cluster]
name = "test"
heartbeats = ["eth1"]
${keys}
[[node]]
name = "lb1"
address = { eth0 = ["192.0.2.10", "${own6.lb1.eth0}"], eth1 = ["192.0.3.10", "${own6.lb1.eth1}"] }
[[node]]
name = "lb2"
address = { eth0 = ["192.0.2.11", "${own6.lb2.eth0}"], eth1 = ["192.0.3.11", "${own6.lb2.eth1}"] }
[[vip]]
name = "${name}"
address = "${family === 4 ? `${vip}/24` : `${vip6}/64`}"
interface = "eth0"
vrid = 51
prefer = ["lb1", "lb2"]
`;
  const { config, diagnostics } = readConfig(text, "test.toml");
  if (config === null) throw new Error(JSON.stringify(diagnostics));
  return [planNode(config, "lb1", { cores: 1 }).vrrp, planNode(config, "lb2", { cores: 1 }).vrrp];
}

interface Nodes {
  readonly lb1: VrrpRole;
  readonly lb2: VrrpRole;
}

async function started(pair: PairLab, keys: string, family: 4 | 6 = 4): Promise<Nodes> {
  const [first, second] = plans(keys, family);
  const lb1 = await VrrpRole.start(pair.lb1, first);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, second);
  await waitFor("lb2 hears lb1 on both paths", () => {
    const paths = lb2.status()?.paths ?? [];
    return paths.length === 2 && paths.every(({ heard }) => heard.length === 1);
  });
  return { lb1, lb2 };
}

async function holders({ lb1, lb2 }: PairLab, address = vip): Promise<string> {
  return [await lb1.holds(address), await lb2.holds(address)].join(" ");
}

const fast = 'advert_interval = "100ms"';
for (const [transport, keys, family] of [
  ["multicast", fast, 4],
  ["unicast", `${fast}\npeers = "unicast"`, 4],
  ["signed", `${fast}\nauth = { type = "hmac", keys = { 1 = "hex:${"0b17".repeat(16)}" } }`, 4],
  ["multicast over IPv6", fast, 6],
  ["unicast over IPv6", `${fast}\npeers = "unicast"`, 6],
] as const) {
  test(`${transport}: either network can be cut, both cannot, and the log names the one that is`, async () => {
    await using pair = await pairLab(2);
    await giveIpv6(pair);
    const { lb1, lb2 } = await started(pair, keys, family);
    const address = family === 4 ? vip : vip6;
    for (const [cut, alive] of [
      ["eth0", "eth1"],
      ["eth1", "eth0"],
    ] as const) {
      await pair.lb2.blockLink(cut);
      const line = `${name}: path ${cut} to lb1 is silent, ${alive} is not`;
      await waitFor(`lb2 says that ${cut} is silent`, () => lb2.log().includes(line));
      expect([lb1.status()?.state, lb2.status()?.state]).toEqual(["active", "backup"]);
      await pair.lb2.unblockLink(cut);
      await waitFor(`${cut} is back`, () => lb2.log().includes(`path ${cut} to lb1 is back`));
    }
    expect(lb2.status()?.counters["becameActive"]).toBe(0);
    await pair.lb2.blockLink("eth0");
    await pair.lb2.blockLink("eth1");
    await lb2.reaches("active");
    await pair.lb2.unblockLink("eth1");
    await lb2.reaches("backup");
    expect(lb1.history()).toEqual(["backup", "active"]);
    expect(lb2.status()?.peer?.address).toBe(family === 4 ? "192.0.2.10" : own6.lb1.eth0);
    await waitFor("lb1 alone holds the address", async () => (await holders(pair, address)) === "true false");
  });
}

test("a node that loses the carrier of its interface resigns on the heartbeat, and gets the address back", async () => {
  await using pair = await pairLab(2);
  const { lb1, lb2 } = await started(pair, 'advert_interval = "1s"');
  await pair.lb1.cutLink("eth0");
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
  await lb1.reaches("fault");
  expect(await holders(pair)).toBe("false true");
  expect(lb1.status()?.paths).toMatchObject([
    { interface: "eth0", problem: "interface eth0 has no carrier" },
    { interface: "eth1", problem: null },
  ]);
  await waitFor("lb1 hears lb2 on the heartbeat", () => {
    return lb1.status()?.peer?.address === "192.0.2.11";
  });
  await pair.lb1.restoreLink("eth0");
  await lb1.reaches("active");
  await lb2.reaches("backup");
});

test("a stop hands over on the heartbeat while the own network is cut", async () => {
  await using pair = await pairLab(2);
  const { lb1, lb2 } = await started(pair, 'advert_interval = "100ms"\npeers = "unicast"');
  await pair.lb2.blockLink("eth0");
  await waitFor("lb2 says so", () => lb2.log().includes("path eth0 to lb1 is silent"));
  await lb1.stop();
  expect(lb1.log()).toContain("leaving → initialize: stopped; 192.0.2.11 took over");
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
});

const keyed = (digits: string): string =>
  `${fast}\nauth = { type = "hmac", keys = { 1 = "hex:${digits.repeat(16)}" } }`;

test("two nodes whose own network is cut, and who do not believe each other, say so by what the heartbeat carries", async () => {
  await using pair = await pairLab(2);
  const [first] = plans(keyed("0b17"));
  const [, other] = plans(keyed("0b18"));
  const [, same] = plans(keyed("0b17"));
  // Nothing passes, no ARP either: nobody can be asked who has the address.
  await pair.lb2.blockLink("eth0");
  const lb1 = await VrrpRole.start(pair.lb1, first);
  const lb2 = await VrrpRole.start(pair.lb2, other);
  for (const [node, rival, address] of [
    [lb1, "lb2", "192.0.2.11"],
    [lb2, "lb1", "192.0.2.10"],
  ] as const) {
    await node.reaches("active");
    await waitFor(`the other than ${rival} knows`, () => (node.status()?.splitBrain ?? null) !== null);
    expect(node.status()?.splitBrain).toMatchObject({
      rival: { node: rival, address, mac: null },
      cause: "authentication",
      advice: "give every node the same auth",
    });
    expect(node.log()).toContain(
      `${name}: split brain: ${rival} (${address}) is active too: its advertisements arrive on eth1 and are dropped: `,
    );
  }
  expect(await lb2.configure(same)).toBeNull();
  await lb2.reaches("backup");
  for (const node of [lb1, lb2])
    await waitFor("it is over", () => (node.status()?.splitBrain ?? null) === null);
});

for (const [family, keys] of [
  [4, fast],
  [6, `${fast}\npeers = "unicast"`],
] as const) {
  test(`IPv${family}: a node that hears on one path what should give way says which path is dead`, async () => {
    await using pair = await pairLab(2);
    await giveIpv6(pair);
    const { lb1, lb2 } = await started(pair, keys, family);
    // One way is cut, and on the other only lb1 hears: lb2 becomes active and goes on saying so.
    const rules =
      "table inet edge { chain vrrp { type filter hook input priority 0; meta l4proto 112 drop; }; }";
    expect((await pair.lb2.run(["nft", rules])).exitCode).toBe(0);
    await pair.lb2.blockLink("eth0");
    await lb2.reaches("active");
    await waitFor("lb1 knows the path", () => lb1.status()?.splitBrain?.cause === "path");
    const rival = { node: "lb2", address: family === 4 ? "192.0.2.11" : own6.lb2.eth0 };
    expect(lb1.status()).toMatchObject({ state: "active", splitBrain: { rival } });
    expect(lb1.log()).toContain(
      `${name}: split brain: lb2 (${rival.address}) is active too: its advertisements arrive on eth1 and not on eth0`,
    );
    await pair.lb2.unblockLink("eth0");
    expect((await pair.lb2.run(["nft", "flush ruleset"])).exitCode).toBe(0);
    await lb2.reaches("backup");
    await waitFor("it is over", () => lb1.status()?.splitBrain === null);
  });
}
