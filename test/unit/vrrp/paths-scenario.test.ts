import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { pairPlans, plainUnicast } from "../../support/two-paths.ts";
import type { InstanceWish } from "../../support/vrrp-plans.ts";
import { type FakeCluster, type FakeRouterMachine, startedPair } from "./vrrp-pair.ts";

const vip = "192.0.2.100";

interface Pair extends FakeCluster {
  readonly lb1: FakeRouterMachine;
  readonly lb2: FakeRouterMachine;
}

function settledPair(wish: InstanceWish = {}): Pair {
  const pair = startedPair(pairPlans(wish));
  pair.clock.advance(4000);
  expect(states(pair)).toEqual(["active", "backup"]);
  return pair;
}

function states({ lb1, lb2 }: Pair): readonly string[] {
  return [lb1.state(), lb2.state()];
}

function activations({ lb1, lb2 }: Pair): readonly (number | undefined)[] {
  return [lb1, lb2].map((lb) => lb.status().counters["becameActive"]);
}

/** The same with other addresses on the heartbeat. */
function withHeartbeat(plan: VrrpPlan, own: string, other: string): VrrpPlan {
  const [instance] = plan.instances;
  const [heartbeat] = instance?.heartbeats ?? [];
  const [peer] = heartbeat?.peers ?? [];
  if (instance === undefined || heartbeat === undefined || peer === undefined)
    throw new Error("no heartbeat");
  const changed = { ...heartbeat, source: own, peers: [{ ...peer, address: other }] };
  return { ...plan, instances: [{ ...instance, heartbeats: [changed] }] };
}

/** Cuts a network between the two, without a carrier being lost. */
function cut({ segment }: Pair, network: string): void {
  segment.isolate("lb2", network, 1);
}

for (const [name, wish] of [
  ["multicast", {}],
  ["unicast", plainUnicast],
  [
    "signed unicast",
    {
      ...plainUnicast,
      hmac: { keys: [{ id: 1, hex: "aa".repeat(16) }], activeKey: 1, timeWindowMs: 30_000, mode: "enforce" },
    },
  ],
] as const) {
  describe(`a pair with a heartbeat, ${name}`, () => {
    test("has one active while either path is cut, and two only when both are", () => {
      for (const network of ["eth0", "eth1"]) {
        const pair = settledPair(wish);
        cut(pair, network);
        pair.clock.advance(30_000);
        expect(states(pair)).toEqual(["active", "backup"]);
        cut(pair, network === "eth0" ? "eth1" : "eth0");
        pair.clock.advance(4000);
        expect(states(pair)).toEqual(["active", "active"]);
        pair.segment.heal();
        pair.clock.advance(2000);
        expect(states(pair)).toEqual(["active", "backup"]);
      }
    });

    test("says once which path is silent, and once that it is back", () => {
      const pair = settledPair(wish);
      cut(pair, "eth0");
      pair.clock.advance(60_000);
      const news = (): readonly string[] => pair.lb2.log.filter((line) => line.includes(" path "));
      expect(news()).toEqual(["public-1: path eth0 to lb1 is silent, eth1 is not"]);
      expect(pair.lb2.status().paths).toMatchObject([
        {
          interface: "eth0",
          problem: null,
          heard: [{ router: "lb1", address: "192.0.2.10", isSilent: true }],
        },
        {
          interface: "eth1",
          problem: null,
          heard: [{ router: "lb1", address: "192.0.3.10", isSilent: false }],
        },
      ]);
      pair.segment.heal();
      pair.clock.advance(60_000);
      expect(news().slice(1)).toEqual(["public-1: path eth0 to lb1 is back"]);
    });

    test("moves the address after the skew alone when the active node loses the carrier of its interface", () => {
      const pair = settledPair(wish);
      pair.lb1.machine.setCarrier("eth0", false);
      pair.clock.advance(1);
      expect(pair.lb1.state()).toBe("fault");
      expect(pair.lb1.machine.holds(vip)).toBe(false);
      pair.clock.advance(616);
      expect(pair.lb2.state()).toBe("active");
      expect(pair.lb2.status().reason).toBe("192.0.2.10 resigned");
      pair.lb1.machine.setCarrier("eth0", true);
      pair.clock.advance(4000);
      expect(states(pair)).toEqual(["active", "backup"]);
    });

    test("takes note of a heartbeat's own carrier, and moves nothing for it", () => {
      const pair = settledPair(wish);
      pair.lb2.machine.setCarrier("eth1", false);
      pair.clock.advance(30_000);
      expect(states(pair)).toEqual(["active", "backup"]);
      expect(pair.lb2.log.at(-1)).toBe(
        "public-1: path eth1 to lb1 is silent (interface eth1 has no carrier), eth0 is not",
      );
      pair.lb2.machine.setCarrier("eth1", true);
      pair.clock.advance(2000);
      expect(pair.lb2.log.at(-1)).toBe("public-1: path eth1 to lb1 is back");
    });

    test("hands over on a planned stop over the heartbeat alone", () => {
      const pair = settledPair(wish);
      cut(pair, "eth0");
      pair.clock.advance(10_000);
      pair.lb1.stop();
      pair.clock.advance(616);
      expect(pair.lb2.state()).toBe("active");
      expect(pair.lb1.machine.holds(vip)).toBe(false);
      expect(pair.lb1.isUp).toBe(false);
    });

    test("knows one router on both paths: a tie is broken by the addresses of its own interface", () => {
      const [first, second] = pairPlans({ ...wish, priority: 100 });
      // The higher address on the one network has the lower one on the other.
      const pair = startedPair([
        withHeartbeat(first, "192.0.3.210", "192.0.3.110"),
        withHeartbeat(second, "192.0.3.110", "192.0.3.210"),
      ]);
      pair.lb1.machine.addByHand("eth1", "192.0.3.210");
      pair.lb2.machine.addByHand("eth1", "192.0.3.110");
      cut(pair, "eth0");
      cut(pair, "eth1");
      pair.clock.advance(5000);
      expect(states(pair)).toEqual(["active", "active"]);
      pair.segment.isolate("lb2", "eth1", 0);
      pair.clock.advance(2000);
      expect(states(pair)).toEqual(["backup", "active"]);
    });

    test("answers a rival once and not once on each path", () => {
      const pair = startedPair(pairPlans(wish));
      cut(pair, "eth0");
      cut(pair, "eth1");
      pair.clock.advance(5000);
      expect(states(pair)).toEqual(["active", "active"]);
      pair.segment.heal();
      pair.segment.maxDelayMs = 5;
      const before = pair.lb1.status().counters["sent"] ?? 0;
      const announced = pair.lb1.machine.announced.length;
      // Another list of addresses is advertised at once.
      pair.lb2.node.configure(pairPlans({ ...wish, vip: "192.0.2.101" })[1], []);
      pair.clock.advance(8);
      expect(states(pair)).toEqual(["active", "backup"]);
      expect((pair.lb1.status().counters["sent"] ?? 0) - before).toBeLessThanOrEqual(2);
      expect(pair.lb1.machine.announced.length - announced).toBeLessThanOrEqual(5);
    });
  });
}

describe("a pair with a heartbeat", () => {
  test("is one when a path carries one direction only", () => {
    for (const network of ["eth0", "eth1"]) {
      for (const deaf of ["lb1", "lb2"]) {
        const pair = settledPair();
        pair.segment.deafen(deaf, network);
        pair.clock.advance(30_000);
        expect(states(pair)).toEqual(["active", "backup"]);
        expect(activations(pair)).toEqual([1, 0]);
      }
    }
  });

  test("believes no stranger on the heartbeat, and counts it", () => {
    const [first, second] = pairPlans();
    const pair = startedPair([first, withHeartbeat(second, "192.0.3.11", "192.0.3.99")]);
    pair.clock.advance(10_000);
    expect(states(pair)).toEqual(["active", "backup"]);
    expect(pair.lb2.status().counters["droppedSource"]).toBeGreaterThan(5);
    expect(pair.lb2.log).toContain(
      "public-1: advertisement from 192.0.3.10 dropped: it came over the heartbeat on eth1, and no node of this router has that address there",
    );
  });

  test("goes on without a heartbeat whose address is not there, and with it when it comes", () => {
    const pair = settledPair();
    pair.lb1.machine.removeByHand("192.0.3.10");
    pair.clock.advance(10_000);
    expect(states(pair)).toEqual(["active", "backup"]);
    expect(pair.lb1.status().paths[1]?.problem).toBe("source address 192.0.3.10 is not on this host");
    pair.lb1.machine.addByHand("eth1", "192.0.3.10");
    pair.clock.advance(1000);
    expect(pair.lb1.status().paths[1]?.problem).toBeNull();
    cut(pair, "eth0");
    pair.clock.advance(10_000);
    expect(states(pair)).toEqual(["active", "backup"]);
  });
});

describe("a pair of unicast peers", () => {
  test("drops what a node sends by multicast, which shows as two actives with a reason", () => {
    const [first, second] = pairPlans(plainUnicast, "none");
    const [multicast] = pairPlans({}, "none");
    const pair = startedPair([multicast, second]);
    pair.clock.advance(5000);
    expect(states(pair)).toEqual(["active", "active"]);
    expect(pair.lb2.status().counters["droppedMulticast"]).toBeGreaterThan(0);
    expect(pair.lb1.status().counters["droppedUnicast"]).toBeGreaterThan(0);
    pair.lb1.node.configure(first, []);
    pair.clock.advance(5000);
    expect(states(pair)).toEqual(["active", "backup"]);
  });

  test("takes its own address anew when it changes while running", () => {
    const plan = pairPlans({ source: null, peers: [] }, "none");
    const pair = startedPair([plan[0], plan[1]]);
    pair.clock.advance(4000);
    expect(states(pair)).toEqual(["active", "backup"]);
    pair.lb1.machine.addByHand("eth0", "192.0.2.20");
    pair.clock.advance(1000);
    expect(pair.lb2.status().peer?.address).toBe("192.0.2.10");
    pair.lb1.machine.removeByHand("192.0.2.10");
    pair.clock.advance(5);
    expect(pair.lb2.status().peer?.address).toBe("192.0.2.20");
    pair.clock.advance(10_000);
    expect(states(pair)).toEqual(["active", "backup"]);
    pair.lb1.machine.removeByHand("192.0.2.20");
    pair.clock.advance(4000);
    expect(states(pair)).toEqual(["fault", "active"]);
  });
});

describe("a pair whose own network is cut, and whose keys differ", () => {
  test("says on both sides who is active too and why, by what the heartbeat carries alone", () => {
    const hmac = { activeKey: 1, timeWindowMs: null, mode: "enforce" } as const;
    const keyed = (hex: string): readonly [VrrpPlan, VrrpPlan] =>
      pairPlans({ hmac: { ...hmac, keys: [{ id: 1, hex: hex.repeat(16) }] } });
    const [first] = keyed("aa");
    const [, second] = keyed("bb");
    const pair = startedPair([first, second]);
    cut(pair, "eth0");
    pair.clock.advance(20_000);
    expect(states(pair)).toEqual(["active", "active"]);
    for (const [node, other] of [
      [pair.lb1, "lb2"],
      [pair.lb2, "lb1"],
    ] as const) {
      expect(node.status().splitBrain).toMatchObject({ rival: { mac: null }, cause: "authentication" });
      expect(node.status().splitBrain?.explanation).toMatch(
        /^its advertisements arrive on eth1 and are dropped: /,
      );
      expect(
        node.log.filter((line) => line.includes("split brain")),
        other,
      ).toHaveLength(1);
    }
    pair.lb2.node.configure(keyed("aa")[1], []);
    pair.clock.advance(20_000);
    expect(states(pair)).toEqual(["active", "backup"]);
    for (const node of [pair.lb1, pair.lb2]) expect(node.status().splitBrain).toBeNull();
  });
});
