import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { VipAddressPlan, VrrpInstancePlan } from "../config/node-plan.ts";
import type { Deadlines } from "./deadlines.ts";
import { heldText } from "./held-addresses.ts";
import type { Host } from "./host.ts";
import { routerKey } from "./plan-difference.ts";
import { formatMs } from "./timers.ts";
import type { VirtualAddresses } from "./virtual-addresses.ts";

const firstPauseMs = 1000;
const longestPauseMs = 30_000;

/** PURE: says how long to wait before an address is tried again that another host had so many times in a row. */
export function retryPauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
}

/** What looking after duplicates takes. */
export interface DuplicateNeeds {
  readonly host: Pick<Host, "clock">;
  readonly deadlines: Deadlines;
  readonly addresses: VirtualAddresses;
  readonly log: Log;
}

interface Duplicate {
  readonly vip: VipAddressPlan;
  readonly failures: number;
  /** When it is tried again; null while the kernel asks. */
  readonly retryAt: Instant | null;
}

/**
 * IPv6 addresses of one router that another host turned out to have: the kernel keeps such an address and never answers for
 * it, without another word. It is told here, and tried again until the other host has given it up.
 */
export class DuplicateAddresses {
  readonly #plan: () => VrrpInstancePlan;
  readonly #needs: DuplicateNeeds;
  readonly #usable: (vips: readonly VipAddressPlan[]) => void;
  readonly #deadlineName: string;
  readonly #known = new Map<string, Duplicate>();

  /** `plan` gives the router's plan in force; `usable` is told of addresses that were duplicates, and are not any more. */
  constructor(
    plan: () => VrrpInstancePlan,
    needs: DuplicateNeeds,
    usable: (vips: readonly VipAddressPlan[]) => void,
  ) {
    this.#plan = plan;
    this.#needs = needs;
    this.#usable = usable;
    this.#deadlineName = `duplicates ${routerKey(plan())}`;
  }

  /** Those that are known now, as `address/length`. */
  get texts(): readonly string[] {
    return [...this.#known.values()].map(({ vip }) => `${vip.address}/${vip.length}`);
  }

  /** Looks how these addresses of the router stand in the kernel. */
  look(vips: readonly VipAddressPlan[]): void {
    for (const vip of vips) this.#lookAt(vip);
    this.#arm();
  }

  /** Forgets addresses that the router has given up: tried again, one of them would come back. */
  forget(vips: readonly VipAddressPlan[]): void {
    for (const vip of vips) this.#known.delete(heldText(vip));
    this.#arm();
  }

  /** Forgets everything, as the addresses are given up. */
  clear(): void {
    this.#known.clear();
    this.#arm();
  }

  #lookAt(vip: VipAddressPlan): void {
    const { addresses, host, log } = this.#needs;
    const { name } = this.#plan();
    const text = heldText(vip);
    const known = this.#known.get(text);
    const readiness = addresses.readiness(vip);
    if (readiness === "duplicate" && (known === undefined || known.retryAt === null)) {
      const failures = (known?.failures ?? 0) + 1;
      const pauseMs = retryPauseMs(failures);
      this.#known.set(text, { vip, failures, retryAt: later(host.clock.now(), pauseMs) });
      const what = `${name}: ${text} is another host's too, and does not answer here: duplicate address detection has failed`;
      log.warning(`${what}; it is tried again in ${formatMs(pauseMs)}, find the host that has it`);
    } else if (readiness === "ready" && known !== undefined) {
      this.#known.delete(text);
      log.notice(`${name}: ${text} is no other host's any more, and answers here`);
      this.#usable([vip]);
    }
  }

  #arm(): void {
    const { deadlines } = this.#needs;
    const times = [...this.#known.values()].flatMap(({ retryAt }) => retryAt ?? []);
    if (times.length === 0) return deadlines.clear(this.#deadlineName);
    const next = times.reduce((a, b) => (a < b ? a : b));
    deadlines.set(this.#deadlineName, next, () => this.#retry());
  }

  /** The kernel asks the network only when an address is added. */
  #retry(): void {
    const { addresses, host } = this.#needs;
    const due = [...this.#known].filter(([, { retryAt }]) => retryAt !== null && retryAt <= host.clock.now());
    for (const [text, duplicate] of due) this.#known.set(text, { ...duplicate, retryAt: null });
    const vips = due.map(([, { vip }]) => vip);
    addresses.remove(vips);
    addresses.add(vips);
    this.#arm();
  }
}
