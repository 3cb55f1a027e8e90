import { expect, setDefaultTimeout, test } from "bun:test";
import { capture } from "../../support/capture.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { planOf, textsOn } from "./holdings-lab.ts";
import { pairLab } from "./pair-lab.ts";

setDefaultTimeout(60_000);

/** More addresses than an advertisement has room for, of both families. */
const wide = "192.0.2.100/16";
const ipv4 = Array.from({ length: 300 }, (_, index) => `192.0.${100 + (index >> 7)}.${1 + (index & 127)}`);
const ipv6 = Array.from({ length: 100 }, (_, index) => `2001:db8::${(0x1000 + index).toString(16)}`);
const extras = [...ipv4.map((each) => `"${each}/16"`), ...ipv6.map((each) => `"${each}/64"`)];
const keys = [`extra_addresses = [${extras.join(", ")}]`, 'garp = { burst = 3, repeat_delay = "500ms" }'];

const announcing = "arp.isgratuitous == 1 || icmpv6.type == 136";

test("hundreds of addresses move together, and the neighbours are told of each without a flood", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/16" } });
  const count = async (host: typeof client): Promise<number> => {
    const texts = new Set(await textsOn(host, "eth0"));
    return [...ipv4.map((each) => `${each}/16`), ...ipv6.map((each) => `${each}/64`)].filter((each) =>
      texts.has(each),
    ).length;
  };
  const lb1 = await VrrpRole.start(pair.lb1, planOf("lb1", keys, { address: wide }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, planOf("lb2", keys, { address: wide }));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  const [{ address: mac }] = JSON.parse(await pair.lb2.ip(["-j", "link", "show", "eth0"])) as [
    { address: string },
  ];
  expect(await count(pair.lb1)).toBe(400);
  expect(await count(pair.lb2)).toBe(0);
  const read = await capture(client, async () => {
    await pair.lb1.cutLink("eth0");
    await lb2.reaches("active");
    await waitFor("lb1 has given up", async () => (await count(pair.lb1)) === 0);
    expect(await count(pair.lb2)).toBe(400);
    await waitFor("both bursts are over", async () => {
      const seen = [
        "tshark",
        "-r",
        `${client.directory}/capture.pcap`,
        "-Y",
        `eth.src == ${mac} && (${announcing})`,
      ];
      return (
        (await client.run(seen)).stdout.trim().split("\n").length >= 2 * 3 * (ipv4.length + ipv6.length + 1)
      );
    });
    expect(await lb2.stop()).toBe(0);
    expect(await count(pair.lb2)).toBe(0);
  });
  for (const [filter, field, addresses] of [
    ["arp.isgratuitous == 1", "arp.src.proto_ipv4", ipv4],
    ["icmpv6.type == 136", "icmpv6.nd.na.target_address", ipv6],
  ] as const) {
    const told = await read(`eth.src == ${mac} && ${filter}`, field);
    const counts = addresses.map((address) => told.filter((each) => each === address).length);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([6, 6]);
    // An address comes again only when all others had their turn.
    expect(new Set(told.slice(0, addresses.length)).size).toBeGreaterThanOrEqual(addresses.length - 1);
  }
  expect(new Set(await read("vrrp", "vrrp.addr_count"))).toEqual(new Set(["1"]));
  expect(lb1.history().slice(0, 2)).toEqual(["backup", "active"]);
  expect(lb2.history()).toEqual(["backup", "active", "initialize"]);
});
