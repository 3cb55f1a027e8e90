import { describe, expect, test } from "bun:test";
import type { BfdSessionPlan } from "../../../../src/config/bfd-plan.ts";
import type { VrrpPlan } from "../../../../src/config/node-plan.ts";
import { instancePlan, vrrpPlan } from "../../../support/vrrp-plans.ts";
import { type FakeCluster, fakeCluster, type FakeRouterMachine } from "../vrrp-pair.ts";

const vip = "192.0.2.100";
const priorities = [254, 250, 246] as const;

/** The plan of the node with this index among `nodes`, each of which watches all others every 10 ms. */
function planOf(index: number, nodes: number, networks = 1): VrrpPlan {
  const others = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== index);
  const sessions = Array.from({ length: networks }, (_, net) =>
    others.map((other): BfdSessionPlan => ({
      name: `lb${other + 1}/eth${net}`,
      interface: `eth${net}`,
      peer: `192.0.${2 + net}.${10 + other}`,
      source: `192.0.${2 + net}.${10 + index}`,
      intervalMs: 10,
      minReceiveMs: 10,
      multiplier: 3,
    })),
  );
  const instances = sessions.map((watched, net) =>
    instancePlan({
      name: net === 0 ? "public-1" : "inside-1",
      interface: `eth${net}`,
      vrid: 51 + net,
      vip: `192.0.${2 + net}.100`,
      priority: priorities[index] ?? 1,
      rivals: watched.map(({ name, peer }, at) => {
        return { sessions: [name], addresses: [peer], priority: priorities[others[at] ?? 0] ?? 1 };
      }),
    }),
  );
  const syncGroups =
    networks > 1
      ? [{ name: "VG_1", instances: instances.map(({ name }) => name), tracks: [], notify: null }]
      : [];
  return vrrpPlan(instances, { bfd: sessions.flat(), syncGroups });
}

function settledCluster(nodes: number, networks = 1, seed = 1): FakeCluster {
  const plans = Array.from({ length: nodes }, (_, index) => planOf(index, nodes, networks));
  const cluster = fakeCluster(plans, seed);
  for (const machine of cluster.machines) machine.start();
  cluster.clock.advance(10_000);
  return cluster;
}

function sessionOf(machine: FakeRouterMachine | undefined, name: string): string | undefined {
  return machine?.node.bfdReport().sessions.find((session) => session.name === name)?.state;
}

describe("nodes that watch each other by BFD", () => {
  test("come up, and leave the election to the election", () => {
    const [lb1, lb2, lb3] = settledCluster(3).machines;
    expect([lb1?.state(), lb2?.state(), lb3?.state()]).toEqual(["active", "backup", "backup"]);
    expect(sessionOf(lb1, "lb2/eth0")).toBe("up");
    expect(sessionOf(lb3, "lb1/eth0")).toBe("up");
    expect(sessionOf(lb3, "lb2/eth0")).toBe("up");
  });

  test("move the address within 50 ms when the active one is dead, at adverts of one second", () => {
    const { machines, clock } = settledCluster(2);
    const [lb1, lb2] = machines;
    lb1?.kill();
    clock.advance(50);
    expect(lb2?.state()).toBe("active");
    expect(lb2?.status().reason).toStartWith("bfd: no packet from 192.0.2.10 for 30 ms");
    expect(lb2?.machine.holds(vip)).toBe(true);
  });

  test("let the best of several backups claim, and it alone", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { machines, clock, segment } = settledCluster(3, 1, seed);
      segment.maxDelayMs = 1;
      clock.advance(37 * seed);
      const [lb1, lb2, lb3] = machines;
      lb1?.kill();
      clock.advance(2000);
      expect([lb2?.state(), lb3?.state()]).toEqual(["active", "backup"]);
      expect(lb3?.log.filter((line) => line.includes("→ active"))).toEqual([]);
    }
  });

  test("let the next one claim if the best cannot", () => {
    const { machines, clock } = settledCluster(3);
    const [lb1, lb2, lb3] = machines;
    lb1?.kill();
    lb2?.kill();
    clock.advance(100);
    expect(lb3?.state()).toBe("active");
  });

  test("keep an active one that is deaf and dumb on BFD's port alone, after one assertion at most", () => {
    const { machines, clock, segment } = settledCluster(2);
    const [lb1, lb2] = machines;
    segment.bfd.deaf.add("lb1").add("lb2");
    clock.advance(5000);
    expect([lb1?.state(), lb2?.state()]).toEqual(["active", "backup"]);
    expect(lb1?.log.filter((line) => line.includes("active →"))).toEqual([]);
    expect(lb2?.log.filter((line) => line.includes("→ active"))).toHaveLength(1);
  });

  test("do not take a stop for a death", () => {
    const { machines, clock } = settledCluster(3);
    const [lb1, lb2, lb3] = machines;
    lb1?.stop();
    clock.advance(5000);
    expect(lb2?.state()).toBe("active");
    expect(lb2?.status().reason).toBe("192.0.2.10 resigned");
    const report = lb3?.node.bfdReport().sessions.find(({ name }) => name === "lb1/eth0");
    expect(report?.reason).toBe("192.0.2.10 was taken down by its operator");
  });

  test("do not take the loss of their own cable for a death of the others", () => {
    const { machines, clock } = settledCluster(2);
    const [, lb2] = machines;
    lb2?.machine.setCarrier("eth0", false);
    clock.advance(5000);
    expect(lb2?.state()).toBe("fault");
    expect(lb2?.log.filter((line) => line.includes("→ active"))).toEqual([]);
    lb2?.machine.setCarrier("eth0", true);
    clock.advance(5000);
    expect(sessionOf(lb2, "lb1/eth0")).toBe("up");
    expect(lb2?.state()).toBe("backup");
  });

  test("do not take their own sleep for a death of the others, whether packets were kept or lost", () => {
    for (const keepsPackets of [true, false]) {
      const { machines, clock } = settledCluster(2);
      const [lb1, lb2] = machines;
      lb2?.machine.freeze(keepsPackets);
      clock.advance(1500);
      lb2?.machine.thaw();
      clock.advance(5000);
      expect([lb1?.state(), lb2?.state()]).toEqual(["active", "backup"]);
      expect(lb2?.log.filter((line) => line.includes("→ active"))).toEqual([]);
      expect(sessionOf(lb2, "lb1/eth0")).toBe("up");
    }
  });

  test("read what has arrived before they take a neighbour for silent", () => {
    const { machines, clock, segment } = settledCluster(2);
    const [lb1, lb2] = machines;
    segment.bfd.readDelayMs = 200;
    clock.advance(3000);
    expect([lb1?.state(), lb2?.state()]).toEqual(["active", "backup"]);
    expect(sessionOf(lb2, "lb1/eth0")).toBe("up");
  });

  test("in a sync group claim when all networks have lost the active one, and not when one has", () => {
    const cut = settledCluster(2, 2);
    cut.segment.isolate("lb1", "eth0", 1);
    cut.clock.advance(3000);
    expect([cut.machines[0]?.state(), cut.machines[1]?.state()]).toEqual(["active", "backup"]);
    expect(cut.machines[1]?.state("inside-1")).toBe("backup");
    const dead = settledCluster(2, 2);
    dead.machines[0]?.kill();
    dead.clock.advance(60);
    expect([dead.machines[1]?.state(), dead.machines[1]?.state("inside-1")]).toEqual(["active", "active"]);
  });

  test("go on through a reload that changes the pace", () => {
    const { machines, clock } = settledCluster(2);
    const [lb1, lb2] = machines;
    for (const [index, machine] of machines.entries()) {
      const plan = planOf(index, 2);
      const bfd = plan.bfd.map((session) => ({ ...session, intervalMs: 50, minReceiveMs: 50 }));
      machine.node.configure({ ...plan, bfd }, []);
      clock.advance(1000);
    }
    const [session] = lb2?.node.bfdReport().sessions ?? [];
    expect(session).toMatchObject({ state: "up", detectionMs: 150, transmitIntervalMs: 50 });
    expect(lb1?.log.filter((line) => line.includes("up → down"))).toEqual([]);
  });

  test("end a session that is no longer wanted without a failure on the other side", () => {
    const { machines, clock } = settledCluster(2);
    const [lb1, lb2] = machines;
    lb1?.node.configure({ ...planOf(0, 2), bfd: [] }, []);
    clock.advance(1000);
    expect(lb1?.node.bfdReport().sessions).toEqual([]);
    expect([lb1?.state(), lb2?.state()]).toEqual(["active", "backup"]);
    expect(lb2?.node.bfdReport().sessions[0]).toMatchObject({ state: "down" });
  });
});
