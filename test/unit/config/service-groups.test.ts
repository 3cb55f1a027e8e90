import { describe, expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { SectionMemory } from "../../../src/config/section-memory.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

const shops = `[[address_group]]
name = "shops"
vips = ["public"]
addresses = ["172.16.8.101"]
ports = [80, 443]
`;
const farm = `[[server_group]]
name = "farm"
servers = [{ address = "172.16.8.8" }, { address = "172.16.8.9", weight = 2 }]
`;
const web = `[[service]]
name = "web"
address_groups = ["shops"]
server_groups = ["farm"]
forward = "dr"
`;
const text = base + vip + shops + farm + web;

/** Replaces a part of the text that has to be there. */
function changed(from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, to);
}

describe("groups of addresses and of servers", () => {
  test("a service that names them is the one that lists what they say", () => {
    const written = `[[service]]
name = "web"
vips = ["public"]
addresses = ["172.16.8.101"]
ports = [80, 443]
forward = "dr"
servers = [{ address = "172.16.8.8" }, { address = "172.16.8.9", weight = 2 }]
`;
    expect(linesOf(text)).toEqual([]);
    expect(configOf(text)).toEqual(configOf(base + vip + written));
    expect(planNode(configOf(text), "lb1", { cores: 1 }).director.services).toHaveLength(4);
  });

  test("its own list comes first, and an address that is in both is one", () => {
    const own = changed(
      "address_groups",
      'addresses = ["172.16.8.101", "172.16.8.102"]\nservers = [{ address = "172.16.8.7" }]\naddress_groups',
    );
    const [service] = configOf(own).services;
    expect(service?.addresses).toEqual(["172.16.8.101", "172.16.8.102"]);
    expect(service?.servers.map(({ address }) => address)).toEqual([
      "172.16.8.7",
      "172.16.8.8",
      "172.16.8.9",
    ]);
  });

  test("several services share servers, each with its own forwarding and check", () => {
    const mail = `[[service]]
name = "mail"
vips = ["public"]
port = 25
forward = "nat"
server_groups = ["farm"]
check = { type = "tcp" }
`;
    const services = configOf(text + mail).services;
    expect(
      services.map(({ servers }) => servers.map(({ forward, checks }) => `${forward} ${checks.length}`)),
    ).toEqual([
      ["dr 0", "dr 0"],
      ["nat 1", "nat 1"],
    ]);
  });

  test("a reload makes a service anew if its group has changed, and only then", () => {
    const memory = new SectionMemory();
    const read = (source: string): unknown => readConfig(source, "f", undefined, memory).config?.services[0];
    const first = read(text);
    expect(read(changed('"shop"', '"other"'))).toBe(first);
    expect(read(changed("weight = 2", "weight = 3"))).toMatchObject({
      servers: [{ weight: 1 }, { weight: 3 }],
    });
  });
});

describe("mistakes with groups", () => {
  test.each<[string, string, string, readonly string[]]>([
    [
      "a group that is not there",
      '["farm"]',
      '["farms"]',
      [
        '28:18 service "web".server_groups[0]: there is no [[server_group]] named "farms"; did you mean "farm"?',
      ],
    ],
    [
      "a group named twice",
      '["shops"]',
      '["shops", "shops"]',
      ['27:28 service "web".address_groups[1]: "shops" is already in the list; remove it here'],
    ],
    [
      "a group without an address",
      'vips = ["public"]\naddresses = ["172.16.8.101"]\n',
      "",
      [
        '17:1 address_group "shops".vips: the group has no address; write vips = ["public"], or addresses',
        '23:1 service "web".vips: the service answers on no address; write vips = ["public"], or addresses',
      ],
    ],
    [
      "a vip of a group that is not there",
      'vips = ["public"]',
      'vips = ["publik"]',
      [
        '19:9 address_group "shops".vips[0]: there is no [[vip]] or [[vrrp]] named "publik"; did you mean "public"?',
      ],
    ],
    [
      "ports in both",
      "forward",
      "port = 80\nforward",
      [
        '29:8 service "web".port: [[address_group]] "shops" says which ports the service has; remove it here, or ports there',
      ],
    ],
    [
      "a port that direct routing cannot have, said where the group says it",
      '"172.16.8.9"',
      '"172.16.8.9", port = 81',
      [
        '24:73 server_group "farm".servers[1].port: direct routing changes no port, and the service has 2; leave it out',
      ],
    ],
    [
      "neither servers nor a group of them",
      'server_groups = ["farm"]\n',
      "",
      ['25:1 service "web".servers: is missing; write servers = [{ address = "192.0.2.8", weight = 1 }]'],
    ],
    [
      "a group that nobody names",
      'server_groups = ["farm"]\n',
      'servers = [{ address = "172.16.8.8" }]\n',
      [
        '22:1 server_group "farm": warning: no [[service]] names it; remove it, or write server_groups = ["farm"] in a [[service]]',
      ],
    ],
  ])("%s", (_, from, to, lines) => {
    expect(linesOf(changed(from, to))).toEqual([...lines]);
  });

  test("groups with different ports are no one service", () => {
    const dns = '[[address_group]]\nname = "dns"\nvips = ["public"]\nports = 53\n';
    expect(linesOf(`${changed('["shops"]', '["shops", "dns"]')}${dns}`)).toEqual([
      '27:28 service "web".address_groups[1]: "dns" has other ports than "shops", and a service has all its ports at all its addresses; name each in a [[service]] of its own',
    ]);
  });
});
