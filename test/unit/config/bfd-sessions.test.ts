import { describe, expect, test } from "bun:test";
import type { BfdSessionPlan } from "../../../src/config/bfd-plan.ts";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { NodePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

const sized = base.replaceAll(/"(1[^"]*\.1[01])"/g, '"$1/24"');
const session = (keys: string): string => `[[bfd]]\nname = "gw"\n${keys}\n`;
const track = (keys = ""): string => `[[track]]\nbfd = "gw"\n${keys}\n`;
const planOf = (text: string, node = "lb1"): NodePlan => planNode(configOf(text), node, { cores: 1 });
const bfdOf = (text: string, node = "lb1"): readonly BfdSessionPlan[] => planOf(text, node).vrrp.bfd;
/** What is said of a `[[bfd]]` that begins in line 17. */
const lines = (keys: string): readonly string[] => linesOf(sized + vip + session(keys));

const pace = { intervalMs: 100, minReceiveMs: 100, multiplier: 3 };

describe("[[bfd]]", () => {
  test("is a session of every node with one neighbour, on the interface in whose network that is", () => {
    const text = sized + vip + session('peer = "172.16.8.1"');
    const plan = { name: "gw", interface: "eth2", peer: "172.16.8.1", source: null, ...pace };
    expect(bfdOf(text, "lb1")).toEqual([plan]);
    expect(bfdOf(text, "lb2")).toEqual([plan]);
    expect(describePlan(planOf(text))).toContain("watched by BFD\n  gw: 172.16.8.1 on eth2, 3 × 100ms");
  });

  test("says for each node with whom, from where and how fast", () => {
    const ends =
      'peer = { lb1 = "10.16.8.1" }\ninterface = { lb1 = "eth1" }\nsource = { lb1 = "10.16.8.10" }\n';
    const text = base + vip + session(`${ends}interval = "20ms"\nmin_receive = "50ms"\nmultiplier = 5`);
    expect(bfdOf(text)).toEqual([
      {
        name: "gw",
        interface: "eth1",
        peer: "10.16.8.1",
        source: "10.16.8.10",
        intervalMs: 20,
        minReceiveMs: 50,
        multiplier: 5,
      },
    ]);
    expect(bfdOf(text, "lb2")).toEqual([]);
    expect(describePlan(planOf(text))).toContain(
      "gw: 10.16.8.1 on eth1 from 10.16.8.10, 5 × 20ms, receives every 50ms at most",
    );
  });

  test("with an address of one of the nodes is a session of the others", () => {
    const text = sized + vip + session('peer = "172.16.8.11"');
    expect(bfdOf(text, "lb1")).toMatchObject([{ peer: "172.16.8.11" }]);
    expect(bfdOf(text, "lb2")).toEqual([]);
  });

  test("may be with a link-local address, from one that the file does not know", () => {
    expect(lines('peer = "fe80::1"\ninterface = "eth1"\nsource = { lb1 = "fe80::a" }')).toEqual([]);
  });
});

describe("a [[bfd]] that cannot work", () => {
  test("is refused where the peer is beyond a router", () => {
    expect(lines('peer = "192.0.2.1"\ninterface = "eth1"')).toEqual([
      '19:8 bfd "gw".peer: 192.0.2.1 is not in the network of "lb1" on eth1 ("10.16.8.10/24"): BFD goes one hop only, so the session never comes up; write the address of a neighbour on the link',
    ]);
    expect(lines('peer = { lb2 = "10.16.9.1" }\ninterface = "eth1"')).toEqual([
      '19:16 bfd "gw".peer.lb2: 10.16.9.1 is not in the network of "lb2" on eth1 ("10.16.8.11/24"): BFD goes one hop only, so the session never comes up; write the address of a neighbour on the link',
    ]);
  });

  test("is warned of where only the virtual addresses tell how wide the network is, and believed where nothing does", () => {
    const keys = session('peer = "172.16.9.1"\ninterface = "eth2"');
    expect(linesOf(base + vip + keys)).toEqual([
      '19:8 bfd "gw".peer: warning: 172.16.9.1 is not in the network of "lb1" on eth2 ("172.16.8.10/24"): BFD goes one hop only, so the session never comes up; write the address of a neighbour on the link, or give the address of "lb1" its prefix if it is a wider one',
    ]);
    expect(linesOf(base + vip + session('peer = "192.0.2.1"\ninterface = "eth1"'))).toEqual([]);
  });

  test("is refused without an interface that the file could tell", () => {
    expect(lines('peer = "192.0.2.1"')[0]).toBe(
      '17:1 bfd "gw".interface: the file does not tell on which interface of "lb1" 192.0.2.1 is; write interface = "eth1" (there are "eth1", "eth2"), or give the node\'s addresses their prefix',
    );
    expect(lines('peer = "172.16.8.1"\ninterface = "eth9"')[0]).toBe(
      '20:13 bfd "gw".interface: "eth9" is not among the interfaces of [[node]] "lb1"; use one of "eth1", "eth2", or add eth9 with its address to [node.address]',
    );
    expect(lines('peer = { lb1 = "172.16.8.1" }\ninterface = { lb2 = "eth2" }')).toEqual([
      '20:13 bfd "gw".interface: names no interface for "lb1"; add lb1 = "eth1"',
      '20:15 bfd "gw".interface.lb2: "lb2" takes no part in this session; remove it, or let the node take part',
    ]);
  });

  test("is refused with addresses that are no neighbour's, or no own ones", () => {
    expect(lines('peer = { lb1 = "172.16.8.10" }')).toEqual([
      '19:16 bfd "gw".peer.lb1: 172.16.8.10 is an address of "lb1" itself; write the neighbour\'s',
    ]);
    expect(lines('peer = "172.16.8.100"')).toEqual([
      '19:8 bfd "gw".peer: 172.16.8.100 is an address of "public", which moves between nodes; write the neighbour\'s own address',
    ]);
    expect(lines('peer = { lb1 = "172.16.8.1" }\nsource = "10.16.8.10"')).toEqual([
      '20:10 bfd "gw".source: 10.16.8.10 is no IPv4 address of [[node]] "lb1" on eth2; leave source out, or write source = { lb1 = "172.16.8.10", … }',
    ]);
  });

  test("is refused beside another session with the same neighbour", () => {
    const other = '[[bfd]]\nname = "again"\npeer = "172.16.8.1"\ninterval = "1s"\n';
    expect(linesOf(sized + vip + session('peer = "172.16.8.1"') + other)).toEqual([
      '22:8 bfd "again".peer: "lb1" already has a session with 172.16.8.1 on eth2, "gw" of line 17; remove one of the two',
    ]);
    const between = session('peer = { lb1 = "172.16.8.11", lb2 = "172.16.8.10" }');
    expect(linesOf(`${sized}${vip}bfd = { interval = "50ms" }\n${between}`)).toEqual([
      '20:16 bfd "gw".peer.lb1: "lb1" already has a session with 172.16.8.11 on eth2, by the bfd of line 17 that "public" goes by; remove this [[bfd]], or write bfd = false in "public"',
    ]);
    expect(linesOf(sized + vip + between)).toEqual([]);
  });
});

describe("a [[track]] with bfd", () => {
  test("goes to the plan and is told in it", () => {
    const text = sized + vip + session('peer = "172.16.8.1"') + track('weight = -10\ndown_delay = "1s"');
    expect(planOf(text).vrrp.tracks).toEqual([
      {
        kind: "bfd",
        name: "gw",
        session: "gw",
        weight: -10,
        reverse: false,
        upDelayMs: 0,
        downDelayMs: 1000,
      },
    ]);
    expect(describePlan(planOf(text))).toContain("gw: bfd gw, up after 0ms, down after 1s");
  });

  test("is refused without its session", () => {
    expect(linesOf(sized + vip + session('peer = "172.16.8.1"') + '[[track]]\nbfd = "gv"\n')).toEqual([
      '21:7 track[0].bfd: there is no [[bfd]] named "gv"; did you mean "gw"?',
    ]);
  });

  test("is warned of where a node has no end of the session, and where it takes the survivor down", () => {
    expect(linesOf(sized + vip + session('peer = { lb1 = "172.16.8.1" }') + track())).toEqual([
      '21:7 track[0].bfd: warning: "lb2" has no end of [[bfd]] "gw", so that this track says nothing there; write a peer for "lb2" in the [[bfd]], or narrow vips',
    ]);
    const between = session('peer = { lb1 = "172.16.8.11", lb2 = "172.16.8.10" }');
    expect(linesOf(sized + vip + between + track())).toEqual([
      '21:7 track[0].bfd: warning: when "lb1" dies the others lose this session, and give their addresses up too; track a session with a router beyond these nodes, or write bfd in [cluster] to claim sooner',
    ]);
    expect(linesOf(sized + vip + between + track("weight = -10"))).toEqual([]);
  });
});
