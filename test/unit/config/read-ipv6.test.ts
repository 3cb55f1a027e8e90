import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { NodePlan, VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { site, web } from "./fixtures.ts";

/** Eleven lines, as `base` has, with IPv6 on eth2 alone. */
const cluster = base
  .replace("vrrp_version = 2", "vrrp_version = 3")
  .replace('eth2 = "172.16.8.10"', 'eth2 = ["172.16.8.10", "2001:db8::10/64"]')
  .replace('eth2 = "172.16.8.11"', 'eth2 = ["172.16.8.11", "2001:db8::11/64"]');
const vip6 = `[[vip]]
name = "public-v6"
address = "2001:db8::100/64"
prefer = ["lb1", "lb2"]
`;
const router6 = `[[vrrp]]
name = "foreign"
interface = "eth2"
vrid = 51
priority = { lb1 = 150, lb2 = 100 }
addresses = ["fe80::100/64", "2001:db8::200/64"]
`;

function planOf(text: string, node = "lb1"): NodePlan {
  return planNode(configOf(text), node, { cores: 1 });
}

function routersOf(text: string): readonly VrrpInstancePlan[] {
  return planOf(text).vrrp.instances;
}

function addressesOf(text: string): readonly string[] {
  return routersOf(text).flatMap(({ addresses }) =>
    addresses.map(({ address, length }) => `${address}/${length}`),
  );
}

const vridsOf = (text: string): readonly number[] => routersOf(text).map(({ vrid }) => vrid);
const withVip = (more: string): readonly string[] => linesOf(`${cluster}${vip6}${more}\n`);

function listOf(count: number): string {
  const addresses = Array.from({ length: count }, (_, index) => (index + 0x1000).toString(16));
  return addresses.map((last) => `"2001:db8::${last}/64"`).join(", ");
}

function checksumOf(text: string): string | undefined {
  return routersOf(text)[0]?.checksum;
}

describe("an IPv6 VIP", () => {
  test("finds its interface, group and source by itself, and begins with the virtual link-local address", () => {
    expect(linesOf(cluster + vip6)).toEqual([]);
    expect(routersOf(cluster + vip6)).toMatchObject([
      { family: 6, version: 3, interface: "eth2", vrid: 100, group: "ff02::12", source: null, peers: [] },
    ]);
    expect(addressesOf(cluster + vip6)).toEqual(["fe80::200:5eff:fe00:264/64", "2001:db8::100/64"]);
    expect(routersOf(cluster + vip6)[0]?.addresses[1]).toMatchObject({ detectsDuplicates: false });
  });

  test("begins with the link-local address that is listed, wherever it stands", () => {
    const listed = 'addresses = ["2001:db8::101/64", "fe80::100/64"]';
    expect(addressesOf(`${cluster}${vip6}${listed}\n`)).toEqual([
      "fe80::100/64",
      "2001:db8::100/64",
      "2001:db8::101/64",
    ]);
    expect(addressesOf(cluster + router6)).toEqual(["fe80::100/64", "2001:db8::200/64"]);
  });

  test("takes group6 and nodad from its own table, or from [cluster]", () => {
    const own = `${cluster}${vip6}group6 = "ff02::1212"\nnodad = false\n`;
    const above = cluster.replace("vrrp_version = 3", 'group6 = "ff02::1212"\nnodad = false') + vip6;
    for (const text of [own, above]) {
      const [router] = routersOf(text);
      expect(router?.group).toBe("ff02::1212");
      expect(router?.addresses.map(({ detectsDuplicates }) => detectsDuplicates)).toEqual([true, true]);
      expect(describePlan(planOf(text))).toContain("duplicate address detection before use");
    }
  });

  test("may have the VRID of an IPv4 router on the interface, and gets one that its address reads as", () => {
    const both = cluster + vip.replace("vrid = 191\n", "") + vip6;
    expect(linesOf(both)).toEqual([]);
    expect(vridsOf(both)).toEqual([100, 100]);
    const vridOf = (address: string): readonly number[] =>
      vridsOf(cluster + vip6.replace("2001:db8::100", address));
    expect(["2001:db8::15", "2001:db8::a1", "2001:db8::300", "2001:db8::1:0"].map(vridOf)).toEqual([
      [15],
      [161],
      [1],
      [1],
    ]);
    const second = vip6.replace("public-v6", "other").replace("::100", ":1::100");
    expect(vridsOf(`${cluster}${vip6}${second}interface = "eth2"\n`)).toEqual([100, 101]);
  });

  test("shares no VRID with another IPv6 router on the interface", () => {
    expect(linesOf(`${cluster}${vip6}vrid = 51\n${router6}`)).toEqual([
      '20:8 vrrp "foreign".vrid: 51 on eth2 is already the VRID of [[vip]] "public-v6" in line 12; choose another from 1 to 255; every router on a network needs its own',
    ]);
  });

  test("is described with its link-local address and its group", () => {
    const text = describePlan(planOf(cluster + vip6));
    expect(text).toContain(
      "public-v6: fe80::200:5eff:fe00:264/64, 2001:db8::100/64 on eth2, VRID 100, priority 254",
    );
    expect(text).toContain("version 3, every 1s to ff02::12; preempts");
  });

  test("is listened on without its link-local address, and relayed from", () => {
    const text =
      cluster + vip6 + site.replace('address = ":8080"', 'address = ":8080"\nvips = ["public-v6"]');
    expect(planOf(text).proxy.listeners).toMatchObject([
      { sockets: [{ address: "2001:db8::100", port: 8080 }] },
    ]);
    const relay = web.replace('"public"', '"public-v6"').replace('"dr"', '"proxy"');
    expect(planOf(cluster + vip6 + relay).proxy.relays).toMatchObject([
      { sockets: [{ address: "2001:db8::100", port: 80 }] },
    ]);
  });
});

describe("what an IPv6 VIP refuses", () => {
  test("version 2, at the place that says so", () => {
    expect(linesOf(cluster.replace("vrrp_version = 3", "vrrp_version = 2") + vip6)).toEqual([
      '14:11 vip "public-v6".address: version 2 has no IPv6; write vrrp_version = 3 in [cluster], or spell it out as a [[vrrp]] with version = 3',
    ]);
    expect(linesOf(`${cluster}${router6}version = 2\n`)).toEqual([
      '18:11 vrrp "foreign".version: version 2 has no IPv6; write version = 3',
    ]);
  });

  test("label and scope, which IPv6 addresses do not have", () => {
    expect(withVip('scope = "link"')).toEqual([
      '16:9 vip "public-v6".scope: an IPv6 address has its scope in itself; remove it',
    ]);
  });

  test("an address of the other family", () => {
    expect(withVip('addresses = ["172.16.8.100/24"]')).toEqual([
      '16:14 vip "public-v6".addresses[0]: 172.16.8.100 is IPv4, and a virtual router has one family: that of its first address, IPv6; write it in extra_addresses, which move along, or as a [[vip]] of its own with both in one [[sync_group]]',
    ]);
  });

  test("what only IPv4 has, and an IPv4 VIP what only IPv6 has", () => {
    expect(withVip('group = "224.0.0.18"\nlabel = "x"\nchecksum = "message-only"')).toEqual([
      '16:9 vip "public-v6".group: it is the group of IPv4, and these addresses are IPv6; write group6, as in group6 = "ff02::12", or remove it',
      '17:9 vip "public-v6".label: addresses of IPv6 have no label; remove it',
      '18:12 vip "public-v6".checksum: IPv6 has one way to make the checksum; remove it',
    ]);
    expect(linesOf(`${cluster}${vip}group6 = "ff02::12"\nnodad = true\n`)).toEqual([
      '17:10 vip "public".group6: it is the group of IPv6, and these addresses are IPv4; write group, as in group = "224.0.0.18", or remove it',
      '18:9 vip "public".nodad: it concerns IPv6, and these addresses are IPv4; remove it',
    ]);
  });

  test("addresses that no host can have", () => {
    for (const address of ["::", "::1", "ff02::1", "::ffff:192.0.2.1"]) {
      expect(linesOf(cluster + vip6.replace("2001:db8::100", address)).join("\n")).toContain(
        "is no address of a host; write",
      );
    }
    expect(linesOf(cluster + vip6.replace("::100", "::"))).toEqual([
      '14:11 vip "public-v6".address: 2001:db8::/64 is the network itself; write an address of a host in it, or correct the prefix',
    ]);
    expect(linesOf(cluster + vip6.replace("::100", "::10"))).toEqual([
      '14:11 vip "public-v6".address: 2001:db8::10 is the own address of [[node]] "lb1", which would keep it when it should move; take an address that no host has of its own',
    ]);
  });

  test("a group that is none of IPv6, and a source that is not link-local", () => {
    expect(withVip('group6 = "2001:db8::1"')).toEqual([
      '16:10 vip "public-v6".group6: 2001:db8::1 is no IPv6 multicast group; write one of ff00::/8, as in group6 = "ff02::12"',
    ]);
    expect(linesOf(`${cluster}${router6}source = { lb1 = "2001:db8::10" }\n`)).toEqual([
      '18:10 vrrp "foreign".source: 2001:db8::10 is no link-local address, which advertisements over IPv6 come from; leave source out, or write the interface\'s own fe80::… address',
    ]);
    expect(linesOf(`${cluster}${router6}source = { lb1 = "fe80::10" }\n`)).toEqual([]);
  });

  test("a server of the other family in direct routing", () => {
    expect(linesOf(cluster + vip6 + web.replace('"public"', '"public-v6"'))).toEqual([
      '21:24 service "web".servers[0].address: the service has IPv6 addresses, and only a tunnel leads from there to an IPv4 server; write an IPv6 address, or forward = "tunnel"',
    ]);
  });

  test("more addresses than its packet counts, and warns of more than a frame holds", () => {
    expect(withVip(`addresses = [${listOf(254)}]`).join("\n")).toContain(
      "a virtual router has at most 255 addresses, and with its link-local one these are 256; write the others in extra_addresses, which are not advertised",
    );
    expect(withVip(`addresses = [${listOf(100)}]`).join("\n")).toContain(
      "warning: an advertisement of 102 IPv6 addresses does not fit into one packet of 1500 bytes; write the others in extra_addresses",
    );
    expect(withVip(`addresses = [${listOf(80)}]`)).toEqual([]);
  });
});

describe("addresses of IPv6 among each other", () => {
  test("a link-local address may stand on each interface, and once on each", () => {
    const other = router6
      .replace('"foreign"', '"inside"')
      .replace('interface = "eth2"', 'interface = "eth1"')
      .replace(', "2001:db8::200/64"', "");
    expect(linesOf(cluster + router6 + other)).toEqual([]);
    expect(linesOf(cluster + router6 + other.replace("eth1", "eth2").replace("51", "52"))).toEqual([
      '23:14 vrrp "inside".addresses[0]: fe80::100 is already an address of [[vrrp]] "foreign" in line 17; remove it here or there',
    ]);
  });

  test("networks inside others are warned of, and so is an address in no network of its interface", () => {
    expect(withVip('addresses = ["2001:db8::101/48"]').join("\n")).toContain(
      "the network of 2001:db8::101/48 overlaps with that of 2001:db8::100/64 in line 14",
    );
    expect(withVip('addresses = ["2001:db8:1::101/64"]').join("\n")).toContain(
      '2001:db8:1::101/64 is in no network of eth2 on [[node]] "lb1"',
    );
  });

  test("an interface that the file gives no IPv6 address has to be named, and is believed", () => {
    const text = base.replace("vrrp_version = 2\n", "") + vip6;
    expect(linesOf(text)).toEqual([
      '11:1 vip "public-v6".interface: no address of [[node]] "lb1" is in the network of 2001:db8::100/64; write interface = "eth1"',
      '11:1 vip "public-v6".interface: no address of [[node]] "lb2" is in the network of 2001:db8::100/64; write interface = "eth1"',
    ]);
    expect(linesOf(`${text}interface = "eth2"\n`)).toEqual([]);
  });
});

describe("checksum", () => {
  const above = cluster.replace("vrrp_version = 3", 'checksum = "message-only"');

  test("stands in [cluster], [[vip]] and [[vrrp]], and concerns IPv4 alone", () => {
    expect(checksumOf(`${cluster}${vip}checksum = "message-only"\n`)).toBe("message-only");
    expect(checksumOf(above + vip)).toBe("message-only");
    expect(checksumOf(`${above}${vip}checksum = "pseudo-header"\n`)).toBe("pseudo-header");
    expect(checksumOf(above + vip6)).toBe("pseudo-header");
    expect(checksumOf(cluster + vip)).toBe("pseudo-header");
  });

  test("is refused in version 2", () => {
    expect(linesOf(`${base}${vip}checksum = "message-only"\n`)).toEqual([
      '17:12 vip "public".checksum: version 2 has one way to make the checksum; remove it, or write vrrp_version = 3 in [cluster]',
    ]);
    const version2 = base.replace("vrrp_version = 2", 'vrrp_version = 2\nchecksum = "message-only"');
    expect(linesOf(version2 + vip)).toEqual([
      "4:12 cluster.checksum: version 2 has one way to make the checksum; remove it, or write vrrp_version = 3",
    ]);
  });
});
