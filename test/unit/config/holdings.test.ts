import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf } from "./expect-lines.ts";

const exact = base.replaceAll(/"((?:10|172)\.16\.8\.\d+)"/g, '"$1/24"');
const vip = (...keys: readonly string[]): string => `[[vip]]
name = "public"
address = "172.16.8.100/24"
prefer = ["lb1", "lb2"]
${keys.join("\n")}
`;
const instance = (text: string, node = "lb1"): VrrpInstancePlan => {
  const [first] = planNode(configOf(`${exact}${text}`), node, { cores: 1 }).vrrp.instances;
  if (first === undefined) throw new Error("no instance");
  return first;
};
const complaints = (text: string): readonly string[] =>
  linesOf(`${exact}${text}`).map((line) => line.replace(/^\S+ /, ""));

const linkLocalOn = (name: string): string => `{ address = "fe80::1/64", interface = "${name}" }`;

describe("extra addresses", () => {
  test("are texts or tables, of either family, on the router's interface or another", () => {
    const text = vip(
      'label = "vip"',
      'scope = "site"',
      'extra_addresses = ["172.16.8.101/24", "2001:db8::100/64", { address = "10.16.8.1", interface = { lb1 = "eth1", lb2 = "lo" }, label = "gw", scope = "host" }]',
    );
    expect(instance(text).extraAddresses).toEqual([
      {
        address: "172.16.8.101",
        length: 24,
        interface: "eth2",
        label: "vip",
        scope: "site",
        detectsDuplicates: false,
      },
      {
        address: "2001:db8::100",
        length: 64,
        interface: "eth2",
        label: null,
        scope: "global",
        detectsDuplicates: false,
      },
      {
        address: "10.16.8.1",
        length: 32,
        interface: "eth1",
        label: "gw",
        scope: "host",
        detectsDuplicates: false,
      },
    ]);
    expect(instance(text, "lb2").extraAddresses[2]?.interface).toBe("lo");
    expect(instance(text).addresses[0]?.scope).toBe("site");
  });

  test("are no address that is there already", () => {
    expect(
      complaints(vip('extra_addresses = ["172.16.8.100/24", "172.16.8.10/24", "10.0.0.1", "10.0.0.1"]')),
    ).toEqual([
      'vip "public".extra_addresses[0]: 172.16.8.100 is already an address of [[vip]] "public" in line 12; remove it here or there',
      'vip "public".extra_addresses[1]: 172.16.8.10 is the own address of [[node]] "lb1", which would keep it when it should move; take an address that no host has of its own',
      'vip "public".extra_addresses[3]: 10.0.0.1 is already an address of [[vip]] "public" in line 16; remove it here or there',
    ]);
  });

  test("have a known key, an interface somebody has, and no label in IPv6", () => {
    const entry = '{ address = "2001:db8::1", interface = "eht1", label = "x", scope = "link" }';
    expect(complaints(vip(`extra_addresses = [${entry}]`))).toEqual([
      'vip "public".extra_addresses[0].interface: warning: no [[node]] of this router has an address on "eht1"; did you mean "eth1"?',
      'vip "public".extra_addresses[0].label: IPv6 addresses have no label; remove it',
      'vip "public".extra_addresses[0].scope: an IPv6 address has its scope in itself; remove it',
    ]);
    expect(complaints(vip('extra_addresses = [{ address = "10.0.0.1", dev = "eth1" }]'))[0]).toContain(
      "dev: unknown key",
    );
    expect(complaints(vip('extra_addresses = ["224.0.0.1", "ff02::1"]'))).toHaveLength(2);
  });
});

describe("extra addresses beside others", () => {
  test("are no network and no broadcast address", () => {
    expect(complaints(vip('extra_addresses = ["10.9.0.0/24", "10.9.0.255/24", "10.9.1.0/31"]'))).toEqual([
      'vip "public".extra_addresses[0]: 10.9.0.0/24 is the network itself; write an address of a host in it, or correct the prefix',
      'vip "public".extra_addresses[1]: 10.9.0.255/24 is the network\'s broadcast address; write an address of a host in it, or correct the prefix',
    ]);
  });

  test("may be link-local on several interfaces, and once on each", () => {
    expect(complaints(vip(`extra_addresses = [${linkLocalOn("eth1")}, ${linkLocalOn("eth2")}]`))).toEqual([]);
    expect(complaints(vip(`extra_addresses = ["fe80::1/64", ${linkLocalOn("eth2")}]`))).toEqual([
      'vip "public".extra_addresses[1]: fe80::1 is already an address of [[vip]] "public" in line 16; remove it here or there',
    ]);
  });

  test("of IPv6 follow nodad, which is for them alone where the router is of IPv4", () => {
    const extras = 'extra_addresses = ["2001:db8::100/64", "172.16.8.101/24"]';
    const detecting = instance(vip(extras, "nodad = false"));
    expect(detecting.extraAddresses.map(({ detectsDuplicates }) => detectsDuplicates)).toEqual([true, false]);
    expect(detecting.addresses[0]?.detectsDuplicates).toBe(false);
    expect(complaints(vip("nodad = false"))).toHaveLength(1);
  });

  test("are the place for more than an advertisement has room for", () => {
    const list = Array.from(
      { length: 300 },
      (_, index) => `"10.9.${1 + (index >> 7)}.${1 + (index & 127)}/16"`,
    );
    expect(complaints(vip(`addresses = [${list.join(", ")}]`))).toEqual([
      'vip "public".addresses: an advertisement lists at most 255 addresses; write the others in extra_addresses, which move along and are not advertised',
    ]);
    expect(complaints(vip(`extra_addresses = [${list.join(", ")}]`))).toEqual([]);
    expect(instance(vip(`extra_addresses = [${list.join(", ")}]`)).extraAddresses).toHaveLength(300);
  });

  test("cannot be a server of a service, nor the gateway of a track", () => {
    const text = vip('extra_addresses = ["172.16.8.101/24"]');
    const track = '[[track]]\ngateway = "172.16.8.101"\n';
    expect(complaints(text + track)[0]).toContain('172.16.8.101 is an address of "public"');
    const service = `[[service]]
name = "web"
vips = ["public"]
port = 80
forward = "dr"
servers = [{ address = "172.16.8.101" }]
check = { type = "tcp" }
`;
    expect(complaints(text + service).join("\n")).toContain("172.16.8.101 is a virtual address");
  });
});

describe("with a virtual MAC", () => {
  const routes =
    'routes = [{ destination = "default", via = "172.16.8.1", source = "172.16.8.100" }, { destination = "198.51.100.0/24", via = "203.0.113.1" }, { destination = "192.0.2.0/24" }]';
  const text = vip(
    "virtual_mac = true",
    'extra_addresses = ["172.16.8.101/24", "203.0.113.2/28", "2001:db8::100/64", { address = "10.16.8.1/24", interface = "eth1" }]',
    routes,
  );
  const mac = "vrrp4-100-eth2";

  test("extra addresses live beside the router's own, alone where the interface below has their network", () => {
    expect(complaints(text)).toEqual([]);
    const shown = instance(text).extraAddresses.map((one) => `${one.address}/${one.length} ${one.interface}`);
    expect(shown).toEqual([
      `172.16.8.101/32 ${mac}`,
      `203.0.113.2/28 ${mac}`,
      `2001:db8::100/64 ${mac}`,
      "10.16.8.1/24 eth1",
    ]);
  });

  test("routes go by the interface below, unless the gateway's network is above it alone", () => {
    expect(instance(text).routes.map((route) => route.interface)).toEqual(["eth2", mac, "eth2"]);
  });

  test("a route may name its interface", () => {
    const named = vip(
      "virtual_mac = true",
      `routes = [{ destination = "192.0.2.0/24", via = "172.16.8.1", interface = "${mac}", on_link = true }]`,
    );
    expect(complaints(named)).toEqual([]);
    expect(instance(named).routes[0]?.interface).toBe(mac);
    expect(complaints(named.replace(", on_link = true", ""))[0]).toContain(`is in no network of ${mac}`);
  });
});

describe("routes", () => {
  test("derive interface, metric and family", () => {
    const text = vip(
      'extra_addresses = ["2001:db8::100/64"]',
      'routes = [{ destination = "default", via = "10.16.8.1" }, { destination = "default", via = "2001:db8::1", table = "local" },',
      '{ destination = "198.51.100.0/24", table = "uplink", metric = 5, source = "172.16.8.100" }, { destination = "203.0.113.0/24", type = "blackhole" }]',
    );
    const plain = {
      type: "unicast",
      via: null,
      source: null,
      isOnLink: false,
      metric: 0,
      table: 254,
    } as const;
    expect(instance(text).routes).toEqual([
      { ...plain, destination: { address: "0.0.0.0", length: 0 }, via: "10.16.8.1", interface: "eth1" },
      {
        ...plain,
        destination: { address: "::", length: 0 },
        via: "2001:db8::1",
        interface: "eth2",
        metric: 1024,
        table: 255,
      },
      {
        ...plain,
        destination: { address: "198.51.100.0", length: 24 },
        interface: "eth2",
        source: "172.16.8.100",
        metric: 5,
        table: "uplink",
      },
      { ...plain, destination: { address: "203.0.113.0", length: 24 }, type: "blackhole", interface: null },
    ]);
  });

  test("contradictions are refused, and an unreachable gateway is warned of", () => {
    const text = vip(
      "routes = [",
      '{ destination = "198.51.100.7/24", via = "2001:db8::1" },',
      '{ destination = "198.51.100.0/24", via = "192.0.2.1" },',
      '{ destination = "10.0.0.0/8", type = "prohibit", via = "172.16.8.1" },',
      '{ destination = "10.1.0.0/16", on_link = true, table = 0 },',
      "]",
    );
    expect(complaints(text)).toEqual([
      'vip "public".routes[3].table: 0 is no routing table; write table = 100, or table = "uplink" as in /etc/iproute2/rt_tables',
    ]);
    expect(complaints(text.replace(", table = 0", ""))).toEqual([
      'vip "public".routes[0].destination: 198.51.100.7/24 has bits set beyond its prefix, and the kernel refuses it; write "198.51.100.0/24"',
      'vip "public".routes[0].via: 2001:db8::1 is no IPv4 address, as the destination is; write an address of the same family',
      'vip "public".routes[1].via: warning: 192.0.2.1 is in no network of eth2 on [[node]] "lb1", so the kernel may refuse the route; correct via or interface, or write on_link = true if it is a neighbour all the same',
      'vip "public".routes[2].via: a route of type "prohibit" leads nowhere; remove it, or the type',
      'vip "public".routes[3].on_link: means something with via only; remove it, or write via',
    ]);
  });

  test("two to one destination differ in metric or table", () => {
    const route = '{ destination = "198.51.100.0/24", via = "172.16.8.1" }';
    const other = route.replace(" }", ", metric = 1 }");
    expect(complaints(vip(`routes = [${route}, ${other}, ${route}]`))).toEqual([
      'vip "public".routes[2]: there is a route to 198.51.100.0/24 with this metric in this table in line 16 already; remove it here or there, or give it another metric',
    ]);
  });
});

describe("rules", () => {
  test("have the family of their addresses, or of the router", () => {
    const text = vip(
      'rules = [{ priority = 10, from = "2001:db8::/32", table = 100 }, { priority = 11, iif = "eth1", mark = "0x10/0xff", type = "prohibit" }]',
    );
    expect(instance(text).rules).toEqual([
      {
        family: 6,
        priority: 10,
        from: { address: "2001:db8::", length: 32 },
        to: null,
        inputInterface: null,
        outputInterface: null,
        mark: null,
        action: { kind: "table", table: 100 },
      },
      {
        family: 4,
        priority: 11,
        from: null,
        to: null,
        inputInterface: "eth1",
        outputInterface: null,
        mark: { value: 16, mask: 255 },
        action: { kind: "prohibit" },
      },
    ]);
  });

  test("contradictions are refused", () => {
    const text = vip(
      "rules = [",
      '{ priority = 10, from = "10.0.0.1" },',
      "{ priority = 11, table = 100 },",
      '{ priority = 40000, from = "10.0.0.1", to = "2001:db8::1", type = "blackhole", table = 5 },',
      '{ priority = 13, from = "10.0.0.1", table = 100 },',
      '{ priority = 13, from = "10.0.0.1", table = 100 },',
      "]",
    );
    expect(complaints(text)).toEqual([
      'vip "public".rules[0].table: is missing; write table = 100, or another type',
      'vip "public".rules[1]: says nothing about the packets it is for: it would be for all; add from, to, iif, oif or mark, as in from = "192.0.2.100"',
      'vip "public".rules[2].priority: warning: 40000 comes after the main table, which answers nearly everything; write a priority below 32766',
      'vip "public".rules[2].to: is of another family than from; write two rules',
      'vip "public".rules[2].table: a rule of type "blackhole" asks no table; remove it, or the type',
      'vip "public".rules[4]: is the same as in line 20; remove it here or there',
    ]);
  });
});

test("the plan shows extras, routes and rules", () => {
  const text = vip(
    'extra_addresses = [{ address = "10.16.8.1/24", interface = "eth1", scope = "link" }]',
    'routes = [{ destination = "default", via = "172.16.8.1", metric = 5 }]',
    'rules = [{ priority = 10, from = "172.16.8.100", table = "uplink" }]',
  );
  const shown = describePlan(planNode(configOf(`${exact}${text}`), "lb1", { cores: 1 }));
  expect(shown).toContain("    extra address 10.16.8.1/24 on eth1, scope link\n");
  expect(shown).toContain("    route default (0.0.0.0/0) via 172.16.8.1 dev eth2 metric 5\n");
  expect(shown).toContain("    rule 10: from 172.16.8.100/32 table uplink");
});
