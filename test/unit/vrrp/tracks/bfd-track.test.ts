import { describe, expect, test } from "bun:test";
import type { BfdSessionPlan } from "../../../../src/config/bfd-plan.ts";
import type { BfdTrackPlan } from "../../../../src/config/track-plan.ts";
import type { VrrpPlan } from "../../../../src/config/node-plan.ts";
import { instancePlan, vrrpPlan } from "../../../support/vrrp-plans.ts";
import { type FakeCluster, fakeCluster, type FakeRouterMachine } from "../vrrp-pair.ts";

const pace = { interface: "eth0", source: null, intervalMs: 10, minReceiveMs: 10, multiplier: 3 };
const toNeighbour: BfdSessionPlan = { ...pace, name: "gw", peer: "192.0.2.11" };
const toUs: BfdSessionPlan = { ...pace, name: "lb", peer: "192.0.2.10" };

/** lb1 follows its session with lb2, which stands for a gateway: it holds no address that lb1 does. */
function planWith(track: Partial<BfdTrackPlan>): VrrpPlan {
  const plan: BfdTrackPlan = {
    kind: "bfd",
    name: "gw",
    session: "gw",
    weight: -50,
    reverse: false,
    upDelayMs: 0,
    downDelayMs: 0,
    ...track,
  };
  return vrrpPlan([instancePlan({ tracks: ["gw"] })], { tracks: [plan], bfd: [toNeighbour] });
}

const neighbour = vrrpPlan([instancePlan({ name: "other", vrid: 52, vip: "192.0.2.101" })], { bfd: [toUs] });

interface Tracked extends FakeCluster {
  readonly lb1: FakeRouterMachine;
  readonly gateway: FakeRouterMachine;
}

function started(track: Partial<BfdTrackPlan> = {}, withNeighbour = true): Tracked {
  const cluster = fakeCluster([planWith(track), neighbour]);
  const [lb1, gateway] = cluster.machines;
  if (lb1 === undefined || gateway === undefined) throw new Error("two machines");
  lb1.start();
  if (withNeighbour) gateway.start();
  cluster.clock.advance(4000);
  return { ...cluster, lb1, gateway };
}

describe("a tracked BFD session", () => {
  test("lowers the priority as soon as the neighbour is silent, and raises it when it is back", () => {
    const { lb1, gateway, clock } = started();
    expect(lb1.status()).toMatchObject({ state: "active", priority: 100, claims: [] });
    gateway.kill();
    clock.advance(50);
    expect(lb1.status().priority).toBe(50);
    expect(lb1.status().claims[0]).toMatch(/^track gw: no packet from 192\.0\.2\.11 for 3\d ms: −50$/);
    expect(lb1.log.filter((line) => line.startsWith("track gw: up → down: no packet from"))).toHaveLength(1);
    gateway.start();
    clock.advance(4000);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
  });

  test("withdraws the claim with a weight of 0", () => {
    const { lb1, gateway, clock } = started({ weight: 0 });
    gateway.kill();
    clock.advance(50);
    expect(lb1.status().state).toBe("fault");
    expect(lb1.status().reason).toStartWith("track gw: no packet from 192.0.2.11");
    // It answers until another has taken over, or could have.
    clock.advance(10_000);
    expect(lb1.machine.holds("192.0.2.100")).toBe(false);
  });

  test("that never comes up fails after its time, and not before", () => {
    const { lb1, clock } = started({}, false);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
    clock.advance(2000);
    expect(lb1.status().claims).toEqual(["track gw: no packet from 192.0.2.11 yet: −50"]);
  });

  test("says nothing when the neighbour's operator takes it down, also if it is gone for good", () => {
    const { lb1, gateway, clock } = started();
    gateway.stop();
    clock.advance(60_000);
    expect(gateway.isUp).toBe(false);
    expect(lb1.node.bfdReport().sessions[0]?.state).toBe("down");
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
  });

  test("fails with the interface it is on", () => {
    const { lb1, clock } = started({ weight: -50 });
    lb1.machine.setCarrier("eth0", false);
    clock.advance(50);
    expect(lb1.status().claims).toContain("track gw: interface eth0 has no carrier: −50");
  });

  test("counts after its delay, and not at all if it is back before", () => {
    const { lb1, gateway, clock, segment } = started({ downDelayMs: 5000 });
    segment.bfd.deaf.add("lb1");
    clock.advance(1000);
    segment.bfd.deaf.clear();
    clock.advance(10_000);
    expect(lb1.log.filter((line) => line.startsWith("track"))).toEqual([]);
    gateway.kill();
    clock.advance(4900);
    expect(lb1.status().priority).toBe(100);
    clock.advance(200);
    expect(lb1.status().priority).toBe(50);
  });

  test("goes on through a reload of other things, and is judged anew with another weight", () => {
    const { lb1, gateway, clock } = started();
    gateway.kill();
    clock.advance(100);
    lb1.node.configure(planWith({ weight: -20 }), []);
    expect(lb1.status().priority).toBe(80);
    clock.advance(10_000);
    expect(lb1.status().priority).toBe(80);
  });
});
