import { describe, expect, test } from "bun:test";
import type { Departure, DepartureReply } from "../../../src/ipc/departure.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, fakeCluster, type FakeRouterMachine } from "./vrrp-pair.ts";

const vip = "192.0.2.100";
const inside = "192.0.3.100";

interface Scene extends FakeCluster {
  /** Outranks the other. */
  readonly best: FakeRouterMachine;
  /** Holds the address at first. */
  readonly holder: FakeRouterMachine;
  /** What the proxies of the holder were told. */
  readonly told: Departure[];
}

interface SceneWish {
  readonly best?: InstanceWish;
  readonly holder?: InstanceWish;
  readonly drainTimeoutMs?: number;
  readonly isGroup?: boolean;
}

/** Starts the holder alone, then the one that outranks it. */
function scene({ best = {}, holder = {}, drainTimeoutMs = 2000, isGroup = false }: SceneWish = {}): Scene {
  const plan = (priority: number, other: string, wish: InstanceWish): ReturnType<typeof vrrpPlan> => {
    const on = (net: number): readonly [{ node: string; priority: number; address: string }] => [
      other === "holder"
        ? { node: other, priority: 250, address: `192.0.${net}.11` }
        : { node: other, priority: 254, address: `192.0.${net}.10` },
    ];
    const first = instancePlan({ needsProxy: true, priority, neighbours: on(2), ...wish });
    const second = { name: "inside-1", interface: "eth1", vrid: 52, vip: inside, priority };
    const instances = isGroup
      ? [first, instancePlan({ needsProxy: true, neighbours: on(3), ...second })]
      : [first];
    const syncGroups = isGroup
      ? [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }]
      : [];
    return vrrpPlan(instances, { drainTimeoutMs, syncGroups });
  };
  const told: Departure[] = [];
  const cluster = fakeCluster([plan(254, "holder", best), plan(250, "best", holder)]);
  const [first, second] = cluster.machines;
  if (first === undefined || second === undefined) throw new Error("a pair has two machines");
  second.start([], [], (departure) => told.push(departure));
  cluster.clock.advance(6000);
  first.start([], [], () => undefined);
  return { ...cluster, best: first, holder: second, told };
}

function holders({ best, holder }: Scene, address = vip): string {
  return [best, holder].map(({ machine }) => (machine.holds(address) ? "holds" : "-")).join(" ");
}

function steps({ told }: Scene): readonly string[] {
  return told.map(({ step }) => step.kind);
}

function answer(run: Scene, kind: DepartureReply["kind"]): void {
  const id = run.told.at(-1)?.id ?? 0;
  run.holder.node.departures.answer({ id, kind, ended: 0 });
}

/** Types and priorities of what a machine has sent from a moment on. */
function said({ segment }: Scene, machine: string, type: number): readonly number[] {
  return segment.sent
    .filter((each) => each.machine === machine && ((each.payload[0] ?? 0) & 15) === type)
    .map(({ payload }) => payload[2] ?? -1);
}

describe("a node that comes back and is preferred", () => {
  test("asks for the address first, and the holder ends its connections before it hands over", () => {
    const run = scene();
    run.clock.advance(4500);
    expect([holders(run), steps(run)]).toEqual(["- holds", ["drain"]]);
    expect([said(run, "lb1", 2), said(run, "lb2", 2)]).toEqual([[254], [250]]);
    expect(run.best.log.at(-1)).toBe(
      "public-1: holder ends its open connections before it hands over, within 3 s",
    );
    answer(run, "drain");
    answer(run, "clear");
    run.clock.advance(10);
    expect(holders(run)).toBe("holds holds");
    run.clock.advance(10);
    expect([holders(run), steps(run)]).toEqual(["holds -", ["drain", "clear", "over"]]);
    expect(run.best.status().reason).toBe("192.0.2.11 resigned");
    expect(run.holder.status().reason).toBe(
      "handed over to best (192.0.2.10), which has priority 254, ours is 250; 192.0.2.10 took over",
    );
    run.clock.advance(20_000);
    expect(holders(run)).toBe("holds -");
  });

  test("waits for a holder whose proxies do not answer, and no longer than that takes", () => {
    const run = scene();
    run.clock.advance(3100 + 2000);
    expect(holders(run)).toBe("- holds");
    run.clock.advance(300 + 500 + 100);
    expect(holders(run)).toBe("holds -");
  });

  test("preempts a holder that does not know the request as before, after three of them", () => {
    const run = scene({ holder: { neighbours: [] } });
    run.clock.advance(3500);
    expect([holders(run), steps(run)]).toEqual(["holds -", []]);
    expect(said(run, "lb1", 2)).toEqual([254, 254, 254]);
    expect(run.best.status().reason).toBe("192.0.2.11 has priority 250, ours is 254");
  });

  test("preempts a holder that has promised to hand over and does not", () => {
    const run = scene({ drainTimeoutMs: 500 });
    run.clock.advance(3100);
    expect(steps(run)).toEqual(["drain"]);
    // As if it went on and on.
    run.holder.node.departures.begin = () => undefined;
    for (let ms = 0; ms < 1000; ms += 100) {
      run.clock.advance(100);
      run.told.splice(0);
    }
    run.clock.advance(2000);
    expect(holders(run)).toBe("holds -");
  });

  test("takes over from a holder that dies while its connections end", () => {
    const run = scene({ drainTimeoutMs: 60_000 });
    run.clock.advance(4500);
    expect(steps(run)).toEqual(["drain"]);
    run.holder.kill();
    run.clock.advance(4000);
    expect(run.best.state()).toBe("active");
    expect(run.best.status().reason).toMatch(/^no advertisement from 192.0.2.11/);
  });

  test("asks nobody where no connection is open to be lost", () => {
    for (const wish of [
      { best: { needsProxy: false } },
      { best: { neighbours: [] } },
      { drainTimeoutMs: 0 },
    ]) {
      const run = scene(wish);
      run.clock.advance(3500);
      expect([holders(run), said(run, "lb1", 2)]).toEqual(["holds -", []]);
    }
  });

  test("asks neither before its preempt delay nor without preempting", () => {
    const run = scene({ best: { preemptDelayMs: 10_000 } });
    run.clock.advance(9000);
    expect(said(run, "lb1", 2)).toEqual([]);
    run.clock.advance(5000);
    expect(steps(run)).toEqual(["drain"]);
    const other = scene({ best: { preempts: false } });
    other.clock.advance(60_000);
    expect([holders(other), said(other, "lb1", 2)]).toEqual(["- holds", []]);
  });

  test("is handed a sync group as a whole", () => {
    const run = scene({ isGroup: true });
    run.clock.advance(5000);
    expect(run.told.map(({ addresses }) => addresses.toSorted())).toEqual([[vip, inside]]);
    answer(run, "drain");
    answer(run, "clear");
    run.clock.advance(30);
    expect([holders(run), holders(run, inside)]).toEqual(["holds -", "holds -"]);
  });

  test("is signed and judged as an advertisement is", () => {
    const keys = [{ id: 1, hex: "000102030405060708090a0b0c0d0e0f" }] as const;
    const others = [{ id: 1, hex: "100102030405060708090a0b0c0d0e0f" }] as const;
    const hmac = { mode: "enforce", activeKey: 1, timeWindowMs: 30_000 } as const;
    const run = scene({ best: { hmac: { ...hmac, keys } }, holder: { hmac: { ...hmac, keys } } });
    run.clock.advance(4500);
    expect(steps(run)).toEqual(["drain"]);
    const stranger = scene({
      best: { hmac: { ...hmac, keys: others } },
      holder: { hmac: { ...hmac, keys } },
    });
    stranger.clock.advance(6000);
    expect(steps(stranger)).toEqual([]);
  });
});

/** Has the address moved to the one that outranks the other. */
function swapped(): Scene {
  const run = scene();
  run.clock.advance(4500);
  answer(run, "drain");
  answer(run, "clear");
  run.clock.advance(1000);
  run.told.splice(0);
  return run;
}

describe("open connections are waited for", () => {
  test("when what was handed over is taken back by command", () => {
    const run = swapped();
    run.best.node.handOver({ names: null, isBack: false, isNow: true }, () => undefined);
    run.clock.advance(3000);
    expect(holders(run)).toBe("- holds");
    const answers: string[] = [];
    run.best.node.handOver({ names: null, isBack: true, isNow: false }, ({ outcomes }) =>
      answers.push(...outcomes.map(({ text }) => text)),
    );
    run.clock.advance(4000);
    expect([holders(run), steps(run), answers]).toEqual(["- holds", ["drain"], []]);
    answer(run, "drain");
    answer(run, "clear");
    run.clock.advance(1000);
    expect(holders(run)).toBe("holds -");
    expect(answers[0]).toMatch(/^this node holds it, after 4.\d+ s, and claims with priority 254$/);
  });

  test("when a reload prefers the other node", () => {
    const run = scene({
      best: { priority: 100, neighbours: [{ node: "holder", priority: 250, address: "192.0.2.11" }] },
    });
    run.clock.advance(6000);
    const plan = instancePlan({
      needsProxy: true,
      priority: 90,
      neighbours: [{ node: "best", priority: 100, address: "192.0.2.10" }],
    });
    run.holder.node.configure(vrrpPlan([plan], { drainTimeoutMs: 2000 }), []);
    run.clock.advance(4000);
    expect([holders(run), steps(run)]).toEqual(["- holds", ["drain"]]);
    answer(run, "drain");
    run.clock.advance(2000);
    expect(holders(run)).toBe("holds -");
  });

  test("when the operator's own hand withdraws the claim by a file, and not when something fails besides", () => {
    const path = "/run/edge-ha/leave";
    const file = { name: "leave", kind: "file", path, weight: 0 } as const;
    for (const fails of [false, true]) {
      const told: Departure[] = [];
      const wish = { needsProxy: true, tracks: ["leave"] } as const;
      const neighbours = [{ node: "beta", priority: 250, address: "192.0.2.11" }];
      const plan = vrrpPlan([instancePlan({ ...wish, priority: 254, neighbours })], {
        drainTimeoutMs: 2000,
        tracks: [file],
      });
      const cluster = fakeCluster([plan, vrrpPlan([instancePlan({ needsProxy: true, priority: 250 })])]);
      const [first, second] = cluster.machines;
      if (first === undefined || second === undefined) throw new Error("a pair has two machines");
      first.start([], [], (departure) => told.push(departure));
      second.start();
      cluster.clock.advance(6000);
      first.machine.files.set(path, "1");
      cluster.clock.advance(1500);
      const drained = told.map(({ step }) => step.kind);
      expect([first.state(), first.machine.holds(vip), drained]).toEqual(["active", true, ["drain"]]);
      expect(first.status().claims).toEqual([`track leave: ${path} says 1: claim withdrawn`]);
      if (fails) first.node.setProxiesAlive(false);
      else
        for (const kind of ["drain", "clear"] as const)
          first.node.departures.answer({ id: 1, kind, ended: 0 });
      cluster.clock.advance(100);
      expect([first.state(), second.state()]).toEqual(["fault", "active"]);
      first.node.setProxiesAlive(true);
      first.machine.files.delete(path);
      cluster.clock.advance(20_000);
      expect(first.state()).toBe("active");
    }
  });
});
