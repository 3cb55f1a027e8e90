import { describe, expect, test } from "bun:test";
import { base, linesOf, vip } from "./expect-lines.ts";

const router = `[[vrrp]]
name = "foreign"
interface = "eth1"
vrid = 51
priority = { lb1 = 150, lb2 = 100 }
addresses = ["10.16.8.200/24"]
`;

describe("the eight mistakes that keepalived 2.2.7 runs with", () => {
  test("a mistyped keyword is refused with the right one", () => {
    expect(linesOf(`${base}${router.replace("priority", "prioirty")}`)).toEqual([
      '12:1 vrrp "foreign".priority: is missing; write priority = { lb1 = 150, lb2 = 100 }',
      '16:1 vrrp "foreign".prioirty: unknown key; did you mean "priority"?',
    ]);
  });

  test("a missing bracket is refused where it is missed", () => {
    expect(linesOf(`${base}${router.replace('24"]', '24"')}${vip}`)).toEqual([
      '18:1 syntax: unexpected "["; correct it: texts stand in double quotes, tables start with [name] or [[name]], lists end with "]"',
    ]);
  });

  test("a mistyped list of addresses is refused, not left empty", () => {
    const lines = linesOf(`${base}${router.replace("addresses", "virtual_ipadress")}`);
    expect(lines[0]).toBe('12:1 vrrp "foreign".addresses: is missing; write addresses = ["192.0.2.100/24"]');
    const unknown =
      /^17:1 vrrp "foreign"\.virtual_ipadress: unknown key; the keys here are name, .*, addresses, /;
    expect(lines[1]).toMatch(unknown);
    expect(lines).toHaveLength(2);
  });

  test("half a second in version 2 is refused, not rounded", () => {
    expect(linesOf(`${base}${router}advert_interval = "0.5s"\n`)).toEqual([
      '18:19 vrrp "foreign".advert_interval: version 2 counts whole seconds, and 500ms is none; write "1s", or version 3 for shorter intervals',
    ]);
  });

  test("a password of twelve characters is refused, not cut", () => {
    expect(linesOf(`${base}${router}auth = { type = "pass", password = "longpassword" }\n`)).toEqual([
      '18:36 vrrp "foreign".auth.password: has 12 bytes, but the packet has room for 8; shorten it to 8 bytes on every router of the group',
    ]);
  });

  test("a state beside nopreempt is refused with what decides instead", () => {
    expect(linesOf(`${base}${router}state = "MASTER"\nnopreempt = true\n`)).toEqual([
      '18:1 vrrp "foreign".state: unknown key; leave it out: prefer (or priority) decides who is active',
      '19:1 vrrp "foreign".nopreempt: unknown key; write preempt = false',
    ]);
  });

  test("a source for unicast without peers is refused, not replaced by multicast", () => {
    expect(linesOf(`${base}${router}unicast_src_ip = "10.16.8.10"\n`)).toEqual([
      '18:1 vrrp "foreign".unicast_src_ip: unknown key; write source in a [[vrrp]], or leave it out: the node\'s own address is taken',
    ]);
  });

  test("VRID 300 and an interface that is not there are refused", () => {
    expect(linesOf(`${base}${router.replace("51", "300")}`)).toEqual([
      '15:8 vrrp "foreign".vrid: 300 is not between 1 and 255; write vrid = 1 to 255',
    ]);
    expect(linesOf(`${base}${router.replace('"eth1"', '"eth7"')}`)).toEqual([
      '14:13 vrrp "foreign".interface: "eth7" is not among the interfaces of [[node]] "lb1"; use one of "eth1", "eth2", or add eth7 with its address to [node.address]',
      '14:13 vrrp "foreign".interface: "eth7" is not among the interfaces of [[node]] "lb2"; use one of "eth1", "eth2", or add eth7 with its address to [node.address]',
    ]);
  });
});

describe("the mistakes of published how-tos", () => {
  test("the same priority on two nodes is refused with what would happen", () => {
    expect(linesOf(`${base}${router.replace("{ lb1 = 150, lb2 = 100 }", "100")}`)).toEqual([
      '16:12 vrrp "foreign".priority: "lb1" and "lb2" both have priority 100, so the higher own address would win, whatever is meant; give each node its own number, as in priority = { lb1 = 100, lb2 = 90 }',
    ]);
  });

  test("an address that is a node's own is refused", () => {
    expect(linesOf(`${base}${vip.replace("8.100", "8.10")}`)).toEqual([
      '14:11 vip "public".address: 172.16.8.10 is the own address of [[node]] "lb1", which would keep it when it should move; take an address that no host has of its own',
    ]);
  });

  test("a source that is not the node's is refused", () => {
    expect(linesOf(`${base}${router}source = "10.16.8.10"\n`)).toEqual([
      '18:10 vrrp "foreign".source: 10.16.8.10 is no address of [[node]] "lb2" on eth1: other routers would see a stranger; leave source out, or write source = { lb2 = "10.16.8.11", … }',
    ]);
  });

  test("options that keepalived drops in silence are refused", () => {
    const service = `[[service]]
name = "web"
vips = ["public"]
port = 80
forward = "dr"
nat_mask = "255.255.255.0"
check = { type = "tcp", nb_get_retry = 3 }
servers = [{ address = "172.16.8.8" }]
`;
    expect(linesOf(`${base}${vip}${service}`)).toEqual([
      '22:1 service "web".nat_mask: unknown key; leave it out: keepalived ignores it too',
      '23:25 service "web".check.nb_get_retry: unknown key; write retries',
    ]);
  });
});
