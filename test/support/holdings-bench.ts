import { silentLog } from "../../src/base/log.ts";
import type {
  VipAddressPlan,
  VirtualRoutePlan,
  VirtualRulePlan,
  VrrpInstancePlan,
} from "../../src/config/node-plan.ts";
import { AnnouncementQueue } from "../../src/vrrp/announcement-queue.ts";
import { Deadlines } from "../../src/vrrp/deadlines.ts";
import { Holding } from "../../src/vrrp/holding.ts";
import { Holdings } from "../../src/vrrp/holdings.ts";
import { Interfaces } from "../../src/vrrp/interfaces.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeMachine, FakeSegment } from "./fake-segment.ts";
import { instancePlan, type InstanceWish } from "./vrrp-plans.ts";

/** What a process holds on a fake machine, without elections. */
export class HoldingsBench {
  readonly clock: FakeClock = new FakeClock();
  readonly machine: FakeMachine = new FakeMachine("lb1", new FakeSegment(this.clock), {
    eth0: "192.0.2.10",
    eth1: "192.0.3.10",
  });
  readonly lines: string[] = [];

  /** Starts a process; it ends with `kill`, and what it holds stays. */
  boot(): Booted {
    const { host, kill } = this.machine.boot();
    const write = (line: string): void => void this.lines.push(line);
    const log = { ...silentLog, notice: write, warning: write, error: write };
    const interfaces = new Interfaces(host);
    const deadlines = new Deadlines(host);
    const holdings = new Holdings({ host, interfaces, deadlines, log });
    const announcements = new AnnouncementQueue({ host, interfaces, deadlines, log });
    const holdingOf = (plan: VrrpInstancePlan): Holding => {
      const holding = new Holding(plan, {
        host,
        interfaces,
        deadlines,
        announcements,
        log,
        ...holdings.needs,
      });
      host.routes.subscribe((event) => {
        if (event.kind === "address" && event.isGone) holding.lost(event.address);
      });
      return holding;
    };
    host.routes.subscribe((event) => {
      if (interfaces.apply(event)) holdings.checkSoon();
    });
    return { holdings, interfaces, kill, holdingOf };
  }

  /** The addresses, routes and rules of the machine as texts, its own addresses left out. */
  held(): readonly string[] {
    const { host, kill } = this.machine.boot();
    const own = new Set(["192.0.2.10", "192.0.3.10"]);
    const addresses = host.routes.addresses().flatMap(({ address }) => (own.has(address) ? [] : [address]));
    kill();
    const { routes, rules } = this.machine.fib;
    return [
      ...addresses,
      ...routes.map(({ destination }) => `route ${destination.address}`),
      ...rules.map(({ priority }) => `rule ${priority}`),
    ];
  }
}

/** A process on the bench. */
export interface Booted {
  readonly holdings: Holdings;
  readonly interfaces: Interfaces;
  readonly kill: () => void;
  readonly holdingOf: (plan: VrrpInstancePlan) => Holding;
}

/** An address beside the advertised one. */
export function extra(address: string, on = "eth0"): VipAddressPlan {
  return { address, length: 24, interface: on, label: null, scope: "global", detectsDuplicates: false };
}

/** A route in the main table. */
export function route(destination: string, more: Partial<VirtualRoutePlan> = {}): VirtualRoutePlan {
  const prefix = { address: destination, length: 24 };
  const rest = {
    via: "192.0.2.1",
    interface: "eth0",
    source: null,
    metric: 0,
    table: 254,
    isOnLink: false,
  } as const;
  return { destination: prefix, type: "unicast", ...rest, ...more };
}

/** A rule that sends an address's packets to a table. */
export function rule(priority: number, more: Partial<VirtualRulePlan> = {}): VirtualRulePlan {
  const from = { address: "192.0.2.100", length: 32 };
  const rest = { to: null, inputInterface: null, outputInterface: null, mark: null } as const;
  return { family: 4, priority, from, ...rest, action: { kind: "table", table: 100 }, ...more };
}

/** A router with an address, an extra one on another interface, a route and a rule. */
export function fullPlan(wish: InstanceWish = {}): VrrpInstancePlan {
  return instancePlan({
    extraAddresses: [extra("192.0.3.100", "eth1")],
    routes: [route("198.51.100.0")],
    rules: [rule(1000)],
    ...wish,
  });
}
