import { hasCode, errorText } from "../base/system-error.ts";
import type { Log } from "../base/log.ts";
import type { DetourPlan, ProbePlan } from "../config/check-plan.ts";
import { detourChains, detourComments, detourTable, rebuiltDetours } from "../kernel/detour-table.ts";
import type { Nftables } from "../kernel/nftables.ts";
import type { RouteNetlink } from "../kernel/rtnetlink.ts";

/** The packet filter as detours use it. */
export type DetourFilter = Pick<Nftables, "apply" | "removeTable" | "comments" | "subscribe" | "close">;

/** The routes as detours use them. */
export type DetourRoutes = Pick<RouteNetlink, "links" | "linkTowards" | "close">;

/** What detours are kept with. */
export interface DetoursOptions {
  readonly log: Log;
  /** Opens the packet filter; throws where the kernel has none. */
  readonly openFilter: () => DetourFilter;
  readonly openRoutes: () => DetourRoutes;
  /** Called when somebody has been at the table: `check` is due. */
  readonly onNews: () => void;
}

/** Keeps the table that leads checks to a virtual address by way of a server. */
export class Detours {
  readonly #options: DetoursOptions;
  #filter: DetourFilter | null = null;
  #plans: readonly DetourPlan[] = [];
  /** The servers that are reached through an interface with the table's chains. */
  #reached: ReadonlySet<string> = new Set();
  #lastFailure: string | null = null;

  constructor(options: DetoursOptions) {
    this.#options = options;
  }

  /** Leads checks as a plan says, and no longer as another did; the result says why not, and then the old one is in force. */
  configure(plans: readonly DetourPlan[]): string | null {
    if (plans.length === 0) {
      this.stop();
      return null;
    }
    try {
      this.#make(plans);
      this.#plans = plans;
      this.#lastFailure = null;
      return null;
    } catch (error) {
      if (this.#plans.length === 0) this.#close();
      return refusal(error);
    }
  }

  /** Follows the routes, and puts right what somebody changed; a failure is logged once. */
  check(): void {
    if (this.#plans.length === 0) return;
    let failure: string | null = null;
    try {
      this.#make(this.#plans);
    } catch (error) {
      failure = refusal(error);
      // A check that went to the server's own address would say what nobody asked.
      this.#reached = new Set();
      if (failure !== this.#lastFailure) this.#options.log.error(failure);
    }
    this.#lastFailure = failure;
  }

  /** Says why a probe cannot be made now; null if it can. */
  problem({ vip, target }: Pick<ProbePlan, "vip" | "target">): string | null {
    if (vip === null || this.#reached.has(target.address)) return null;
    return this.#lastFailure ?? `no route to ${target.address}, by whose way ${vip} is asked`;
  }

  /** Leads nothing any more, also not for an earlier process. */
  stop(): void {
    try {
      this.#open().removeTable(detourTable, "netdev");
    } catch (error) {
      // Where there is no packet filter nothing is in it.
      if (this.#plans.length > 0) this.#options.log.error(`detours stay behind: ${errorText(error)}`);
    }
    this.#close();
  }

  /** Makes the table for these detours and the interfaces that their servers are on, unless it is so already. */
  #make(plans: readonly DetourPlan[]): void {
    const { links, reached } = this.#ways(plans);
    const filter = this.#open();
    if (links.length === 0) filter.removeTable(detourTable, "netdev");
    else {
      const wanted = detourComments(plans, links);
      const isWhole = (["leaving", "coming"] as const).every((chain) =>
        Bun.deepEquals(filter.comments(detourTable, detourChains[chain], "netdev"), wanted[chain]),
      );
      if (!isWhole) filter.apply(rebuiltDetours(plans, links));
    }
    this.#reached = reached;
  }

  #ways(plans: readonly DetourPlan[]): {
    readonly links: readonly string[];
    readonly reached: ReadonlySet<string>;
  } {
    const routes = this.#options.openRoutes();
    try {
      const names = new Map(routes.links().map(({ index, name }) => [index, name]));
      const links = new Set<string>();
      const reached = new Set<string>();
      for (const { servers, mark } of plans) {
        for (const server of servers) {
          const index = routes.linkTowards(server, mark);
          const name = index === null ? undefined : names.get(index);
          if (name === undefined) continue;
          links.add(name);
          reached.add(server);
        }
      }
      return { links: [...links].toSorted(), reached };
    } finally {
      routes.close();
    }
  }

  #open(): DetourFilter {
    if (this.#filter !== null) return this.#filter;
    const filter = this.#options.openFilter();
    try {
      filter.subscribe(detourTable, this.#options.onNews);
    } catch (error) {
      filter.close();
      throw error;
    }
    this.#filter = filter;
    return filter;
  }

  #close(): void {
    this.#filter?.close();
    this.#filter = null;
    this.#plans = [];
    this.#reached = new Set();
  }
}

function refusal(error: unknown): string {
  const what = `checks cannot go through the VIP: ${errorText(error)}`;
  const isLacking = hasCode(error, "EOPNOTSUPP", "ENOENT", "EPROTONOSUPPORT", "EINVAL", "EAFNOSUPPORT");
  const remedy = isLacking
    ? "it takes Linux 5.16 with nf_tables and CONFIG_NETFILTER_EGRESS; remove via, and the servers' own addresses are checked"
    : "remove via, and the servers' own addresses are checked";
  return `${what}; ${remedy}`;
}
