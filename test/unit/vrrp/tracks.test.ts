import { describe, expect, test } from "bun:test";
import type { NotifyPlan, VrrpPlan } from "../../../src/config/node-plan.ts";
import type {
  GatewayTrackPlan,
  InterfaceTrackPlan,
  ProcessTrackPlan,
  ServersTrackPlan,
  TrackPlan,
} from "../../../src/config/track-plan.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, fakeCluster } from "./vrrp-pair.ts";

const link: InterfaceTrackPlan = {
  kind: "interface",
  reverse: false,
  name: "uplink",
  interface: "eth1",
  upDelayMs: 3000,
  downDelayMs: 1000,
  weight: -50,
};
const inside = { name: "inside-1", interface: "eth1", vrid: 52, vip: "192.0.3.100" };

/** A node with an instance on each of two networks, the first of which depends on the track. */
const planWith = (track: TrackPlan, more: Partial<VrrpPlan> = {}): VrrpPlan =>
  vrrpPlan([instancePlan({ tracks: [track.name] }), instancePlan(inside)], { tracks: [track], ...more });

function startedWith(plan: VrrpPlan): FakeCluster & { readonly lb1: FakeCluster["machines"][number] } {
  const cluster = fakeCluster([plan]);
  const [lb1] = cluster.machines;
  if (lb1 === undefined) throw new Error("no machine");
  lb1.start();
  cluster.clock.advance(5000);
  return { ...cluster, lb1 };
}

describe("a tracked link", () => {
  test("counts as down after its delay, and as up after the other", () => {
    const { lb1, clock } = startedWith(planWith(link));
    lb1.machine.setCarrier("eth1", false);
    clock.advance(900);
    expect(lb1.status().priority).toBe(100);
    clock.advance(200);
    expect(lb1.status()).toMatchObject({
      priority: 50,
      claims: ["track uplink: interface eth1 has no carrier: −50"],
    });
    lb1.machine.setCarrier("eth1", true);
    clock.advance(2900);
    expect(lb1.status().priority).toBe(50);
    clock.advance(200);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
  });

  test("changes nothing when it flaps faster than its delay", () => {
    const { lb1, clock } = startedWith(planWith(link));
    for (let round = 0; round < 10; round++) {
      lb1.machine.setCarrier("eth1", false);
      clock.advance(900);
      lb1.machine.setCarrier("eth1", true);
      clock.advance(100);
    }
    expect(lb1.log.filter((line) => line.startsWith("track"))).toEqual([]);
  });

  test("counts as down at once without a delay", () => {
    const { lb1, clock } = startedWith(planWith({ ...link, downDelayMs: 0, weight: 0 }));
    lb1.machine.setCarrier("eth1", false);
    clock.advance(1);
    expect(lb1.status()).toMatchObject({
      state: "fault",
      reason: "track uplink: interface eth1 has no carrier",
    });
  });
});

describe("a tracked file", () => {
  test("is read at the start and followed afterwards", () => {
    const plan = planWith({ kind: "file", name: "load", path: "/run/load", weight: -2 });
    const cluster = fakeCluster([plan]);
    const [lb1] = cluster.machines;
    lb1?.machine.files.set("/run/load", "10\n");
    lb1?.start();
    expect(lb1?.status().priority).toBe(80);
    lb1?.machine.files.set("/run/load", "oops");
    cluster.clock.advance(5000);
    expect(lb1?.status().priority).toBe(100);
    const complaint = 'track load: /run/load says "oops", which is no whole number: counted as 0';
    expect(lb1?.log.filter((line) => line === complaint)).toHaveLength(1);
    lb1?.machine.files.delete("/run/load");
    cluster.clock.advance(1000);
    expect(lb1?.status()).toMatchObject({ priority: 100, claims: [] });
  });
});

describe("a tracked gateway", () => {
  const gateway: GatewayTrackPlan = {
    kind: "gateway",
    reverse: false,
    name: "gw",
    address: "192.0.2.1",
    method: "neighbour",
    interface: null,
    intervalMs: 1000,
    timeoutMs: 1000,
    rise: 2,
    fall: 3,
    weight: -50,
  };

  test("fails after three questions without an answer, and is well after two answers", () => {
    const cluster = fakeCluster([planWith(gateway)]);
    const [lb1] = cluster.machines;
    if (lb1 === undefined) throw new Error("no machine");
    lb1.machine.neighbours.add("192.0.2.1");
    lb1.start();
    cluster.clock.advance(5500);
    lb1.machine.neighbours.clear();
    cluster.clock.advance(2900);
    expect(lb1.status().priority).toBe(100);
    cluster.clock.advance(1000);
    expect(lb1.status()).toMatchObject({
      priority: 50,
      claims: ["track gw: 192.0.2.1 has not answered ARP for 4 s: −50"],
    });
    lb1.machine.neighbours.add("192.0.2.1");
    cluster.clock.advance(1000);
    expect(lb1.status().priority).toBe(50);
    cluster.clock.advance(1000);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
  });

  test("that never answers fails after the first question", () => {
    const { lb1 } = startedWith(planWith({ ...gateway, weight: 0 }));
    expect(lb1.status()).toMatchObject({ state: "fault" });
    expect(lb1.log).toContain("track gw: up → down: 192.0.2.1 has not answered ARP for 1 s");
  });
});

describe("a tracked process", () => {
  const haproxy: ProcessTrackPlan = {
    kind: "process",
    reverse: false,
    name: "haproxy",
    process: "haproxy",
    arguments: [],
    atLeast: 1,
    upDelayMs: 0,
    downDelayMs: 0,
    weight: -50,
  };
  const started = (
    more: Partial<ProcessTrackPlan> = {},
    tellsStarts = true,
  ): ReturnType<typeof startedWith> => {
    const cluster = fakeCluster([planWith({ ...haproxy, ...more })]);
    const [lb1] = cluster.machines;
    if (lb1 === undefined) throw new Error("no machine");
    lb1.machine.processes.tellsStarts = tellsStarts;
    for (let pid = 1; pid < 100; pid++) lb1.machine.processes.run(pid, "/bin/other");
    lb1.machine.processes.run(100, "/usr/sbin/haproxy", "-Ws");
    lb1.start();
    cluster.clock.advance(5000);
    return { ...cluster, lb1 };
  };

  test("counts as down as soon as it ends, and as up as soon as it is started", () => {
    const { lb1 } = started();
    expect(lb1.status().claims).toEqual([]);
    lb1.machine.processes.end(100);
    expect(lb1.status().claims).toEqual(["track haproxy: no process haproxy runs: −50"]);
    lb1.machine.processes.run(101, "/bin/sh", "start");
    expect(lb1.status().priority).toBe(50);
    lb1.machine.processes.run(101, "/usr/sbin/haproxy");
    expect(lb1.status().priority).toBe(100);
    lb1.machine.processes.run(101, "/bin/sh");
    expect(lb1.status().priority).toBe(50);
  });

  test("is found by looking where the kernel does not tell", () => {
    const { lb1, clock } = started({}, false);
    lb1.machine.processes.end(100);
    expect(lb1.status().priority).toBe(50);
    lb1.machine.processes.run(101, "/usr/sbin/haproxy");
    expect(lb1.status().priority).toBe(50);
    clock.advance(2100);
    expect(lb1.status().priority).toBe(100);
  });

  test("counts its copies, and waits for its delay", () => {
    const { lb1, clock } = started({ atLeast: 2, downDelayMs: 1000 });
    expect(lb1.status().priority).toBe(50);
    lb1.machine.processes.fork(100, 101);
    expect(lb1.status().priority).toBe(100);
    lb1.machine.processes.end(101);
    clock.advance(900);
    expect(lb1.status().priority).toBe(100);
    clock.advance(200);
    expect(lb1.status().claims).toEqual(["track haproxy: 1 process haproxy runs, 2 are wanted: −50"]);
  });
});

describe("tracked servers", () => {
  const servers: ServersTrackPlan = {
    kind: "servers",
    reverse: false,
    name: "web",
    subject: "service web",
    servers: [
      { address: "10.0.0.1", port: 80, probe: "a" },
      { address: "10.0.0.2", port: 80, probe: "b" },
    ],
    atLeast: 1,
    upDelayMs: 0,
    downDelayMs: 0,
    weight: -50,
  };

  test("add nothing until they are known, and count from then on", () => {
    const { lb1 } = startedWith(planWith(servers));
    expect(lb1.status().priority).toBe(100);
    lb1.node.setVerdicts([{ probe: "a", isUp: false, weight: null }], false);
    expect(lb1.status().priority).toBe(100);
    lb1.node.setVerdicts([{ probe: "b", isUp: false, weight: null }], false);
    expect(lb1.status()).toMatchObject({
      priority: 50,
      claims: ["track web: service web has 0 of 2 servers healthy: −50"],
    });
    lb1.node.setVerdicts([{ probe: "a", isUp: true, weight: null }], false);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
  });
});

describe("changes of state", () => {
  const notify: NotifyPlan = {
    node: "lb1",
    script: { command: ["/bin/notify"], timeoutMs: 1000, user: "nobody" },
    fifo: "/run/notify",
  };
  const syncGroups = [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }];

  test("are told with the group's after those of its members, once each", () => {
    const { lb1, clock } = startedWith(planWith(link, { notify, syncGroups }));
    lb1.machine.setCarrier("eth1", false);
    clock.advance(5000);
    const words = lb1.machine.fifoLines.map((line) => line.trimEnd().split(" "));
    const states = words.map(([kind, , state]) => `${kind} ${state}`);
    expect(states).toEqual(
      ["BACKUP", "MASTER", "FAULT"].flatMap((state) => [
        `INSTANCE ${state}`,
        `INSTANCE ${state}`,
        `GROUP ${state}`,
      ]),
    );
    expect(lb1.machine.fifoLines).toContain('INSTANCE "public-1" FAULT 100\n');
    expect(lb1.machine.fifoLines.at(-1)).toBe('GROUP "VG_1" FAULT 0\n');
  });

  test("are told to the script as the user that was asked for", async () => {
    const { lb1, clock } = startedWith(planWith(link, { notify }));
    for (let turn = 0; turn < 100; turn++) {
      await Promise.resolve();
      clock.advance(10);
    }
    expect(lb1.machine.ran[0]).toMatchObject({
      command: ["/bin/notify", "INSTANCE", "public-1", "BACKUP", "100"],
      user: { uid: 65_534, gid: 65_534 },
      environment: { EDGE_HA_NODE: "lb1", EDGE_HA_ADDRESSES: "192.0.2.100/24" },
    });
  });

  test("are told to nobody after a plan with a user that does not exist", () => {
    const { lb1 } = startedWith(planWith(link));
    const script = { command: ["/bin/notify"], timeoutMs: 1000, user: "nemo" };
    const bad = planWith(link, { notify: { ...notify, script } });
    expect(() => lb1.node.configure(bad, [])).toThrow("there is no user nemo to run a script as");
    expect(lb1.machine.fifoLines).toEqual([]);
  });
});
