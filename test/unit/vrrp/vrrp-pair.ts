import type { Log } from "../../../src/base/log.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import type { Departure } from "../../../src/ipc/departure.ts";
import type { HandedOver } from "../../../src/ipc/handover.ts";
import type { InstanceStatus } from "../../../src/ipc/status.ts";
import { VrrpNode } from "../../../src/vrrp/vrrp-node.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeMachine, FakeSegment } from "../../support/fake-segment.ts";

/** A machine with our process on it, on a fake network. */
export class FakeRouterMachine {
  readonly machine: FakeMachine;
  readonly plan: VrrpPlan;
  /** Every line logged at notice or above. */
  readonly log: string[] = [];
  /** Takes what the proxies are told; without it there are none. */
  depart: ((departure: Departure) => void) | undefined;
  #life: { readonly node: VrrpNode; readonly kill: () => void } | null = null;
  #isStopping = false;

  constructor(machine: FakeMachine, plan: VrrpPlan) {
    this.machine = machine;
    this.plan = plan;
  }

  get node(): VrrpNode {
    if (this.#life === null) throw new Error(`${this.machine.name} runs no process`);
    return this.#life.node;
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  /** Whether it was told to stop and has not left yet. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  start(
    adopt: readonly string[] = [],
    handedOver: readonly HandedOver[] = [],
    depart: ((departure: Departure) => void) | undefined = this.depart,
  ): void {
    const { host, kill } = this.machine.boot();
    const keep = (line: string): void => void this.log.push(line);
    const log: Log = { ...silentLog, notice: keep, warning: keep, error: keep };
    const node = new VrrpNode({ host, log, changed: () => undefined, ...(depart && { depart }) });
    this.#life = { node, kill };
    node.configure(this.plan, adopt, handedOver);
  }

  /** Tells the process to stop; it ends when it has left. */
  stop(): void {
    const life = this.#life;
    if (life === null) return;
    this.#isStopping = true;
    life.node.stop("stopped", () => {
      if (this.#life === life) this.kill();
    });
  }

  /** Ends the process without a word; addresses stay. */
  kill(): void {
    this.#life?.kill();
    this.#life = null;
    this.#isStopping = false;
  }

  status(name = "public-1"): InstanceStatus {
    const found = this.node.statuses().find((status) => status.name === name);
    if (found === undefined) throw new Error(`no instance ${name}`);
    return found;
  }

  state(name = "public-1"): string {
    const status = this.#life?.node.statuses().find((each) => each.name === name);
    return status?.state ?? "gone";
  }
}

/** Some machines on one network, or several. */
export interface FakeCluster {
  readonly clock: FakeClock;
  readonly segment: FakeSegment;
  readonly machines: readonly FakeRouterMachine[];
}

/** Makes a machine for each plan, with addresses .10, .11, … and fe80::a, fe80::b, … on every network the plan names. */
export function fakeCluster(plans: readonly VrrpPlan[], seed = 1): FakeCluster {
  const clock = new FakeClock();
  const segment = new FakeSegment(clock, seed);
  const machines = plans.map((plan, index) => {
    const networks = [
      ...new Set(
        plan.instances.flatMap((instance) => [
          instance.interface,
          ...instance.heartbeats.map((heartbeat) => heartbeat.interface),
        ]),
      ),
    ].sort();
    const linkLocal = `fe80::${(10 + index).toString(16)}`;
    const own = Object.fromEntries(
      networks.map((name, net) => [name, [`192.0.${2 + net}.${10 + index}`, linkLocal]]),
    );
    return new FakeRouterMachine(new FakeMachine(`lb${index + 1}`, segment, own), plan);
  });
  return { clock, segment, machines };
}

/** Makes a cluster of two and starts both. */
export function startedPair(
  plans: readonly [VrrpPlan, VrrpPlan],
): FakeCluster & { readonly lb1: FakeRouterMachine; readonly lb2: FakeRouterMachine } {
  const cluster = fakeCluster(plans);
  const [lb1, lb2] = cluster.machines;
  if (lb1 === undefined || lb2 === undefined) throw new Error("a pair has two machines");
  lb1.start();
  lb2.start();
  return { ...cluster, lb1, lb2 };
}
