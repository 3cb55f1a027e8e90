import { formatEndpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { MarkPlan } from "../config/service-plan.ts";
import type { MarkStatus } from "../ipc/footing-status.ts";
import {
  hasMarkings,
  markTable,
  presentMarkings,
  rebuiltMarkTable,
  type Marking,
} from "../kernel/mark-table.ts";
import type { Nftables } from "../kernel/nftables.ts";
import { protocolNumbers } from "./table.ts";

/** The packet filter as marking uses it. */
export type MarkingFilter = Pick<
  Nftables,
  "apply" | "removeTable" | "elements" | "comments" | "subscribe" | "close"
>;

/** What marks are kept with. */
export interface MarksOptions {
  readonly log: Log;
  /** Opens the packet filter; throws where the kernel has none. */
  readonly openFilter: () => MarkingFilter;
  /** Called when somebody has been at the table: `check` is due. */
  readonly onNews: () => void;
}

/** Keeps the rules that mark packets for services which go by a mark. */
export class Marks {
  readonly #options: MarksOptions;
  #filter: MarkingFilter | null = null;
  #plans: readonly MarkPlan[] = [];
  #markings: readonly Marking[] = [];
  /** What an earlier process had left before the first plan, `null` in it if that could not be read; null until then. */
  #found: { readonly markings: readonly Marking[] | null } | null = null;
  #lastFailure: string | null = null;

  constructor(options: MarksOptions) {
    this.#options = options;
  }

  /** Marks as a plan says, and no longer as another did; the result says why not, and then the old one is in force. */
  configure(plans: readonly MarkPlan[]): string | null {
    const wanted = markings(plans);
    this.#found ??= { markings: this.#present() };
    if (wanted.length === 0) {
      this.stop();
      return null;
    }
    try {
      const filter = this.#open();
      if (!hasMarkings(filter, wanted)) filter.apply(rebuiltMarkTable(wanted));
      this.#plans = plans;
      this.#markings = wanted;
      return null;
    } catch (error) {
      if (this.#markings.length === 0) this.#close();
      const remedy =
        "load the kernel module nf_tables, or let your own packet filter mark and write fwmark alone";
      return `packets cannot be marked: ${errorText(error)}; ${remedy}`;
    }
  }

  /** Puts right what somebody changed; a failure is logged once. */
  check(): void {
    if (this.#markings.length === 0) return;
    let failure: string | null = null;
    try {
      const filter = this.#open();
      if (!hasMarkings(filter, this.#markings)) {
        filter.apply(rebuiltMarkTable(this.#markings));
        this.#options.log.warning(`somebody changed the table ${markTable}; its marks are back`);
      }
    } catch (error) {
      failure = errorText(error);
      if (failure !== this.#lastFailure) this.#options.log.error(`packets cannot be marked: ${failure}`);
    }
    this.#lastFailure = failure;
  }

  /** Tells what is marked, and whether it is as it should be. */
  status(): readonly MarkStatus[] {
    const isInForce = this.#plans.length > 0 && this.#isInForce();
    return this.#plans.map((plan) => {
      return { mark: plan.mark, family: plan.family, places: markedPlaces(plan), isInForce };
    });
  }

  #isInForce(): boolean {
    try {
      return hasMarkings(this.#open(), this.#markings);
    } catch {
      // Why it cannot be looked at is in the log already.
      return false;
    }
  }

  /** Ends with the marks that an earlier process had left; before a first plan these are there still. */
  leave(): void {
    const found = this.#found?.markings ?? null;
    if (found === null) return this.#close();
    if (found.length === 0) return this.stop();
    try {
      const filter = this.#open();
      if (!hasMarkings(filter, found)) filter.apply(rebuiltMarkTable(found));
    } catch (error) {
      this.#options.log.error(`the marks of an earlier run are not as they were: ${errorText(error)}`);
    }
    this.#close();
  }

  #present(): readonly Marking[] | null {
    try {
      return presentMarkings(this.#open());
    } catch {
      // Without a packet filter there is nothing to be left; what merely cannot be read now is.
      return null;
    }
  }

  /** Marks nothing any more, also not what an earlier process has left. */
  stop(): void {
    try {
      this.#open().removeTable(markTable);
    } catch (error) {
      // Where there is no packet filter nothing is in it.
      if (this.#markings.length > 0) this.#options.log.error(`marks stay behind: ${errorText(error)}`);
    }
    this.#close();
  }

  #open(): MarkingFilter {
    if (this.#filter !== null) return this.#filter;
    const filter = this.#options.openFilter();
    try {
      filter.subscribe(markTable, this.#options.onNews);
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
    this.#markings = [];
  }
}

/** Gives the markings that a plan asks for. */
export function markings(plans: readonly MarkPlan[]): readonly Marking[] {
  return plans.map(markingOf);
}

/** Names where marked packets go to, such as `tcp 192.0.2.1:80`. */
export function markedPlaces({ sockets }: MarkPlan): readonly string[] {
  return sockets.map((socket) => `${socket.protocol} ${formatEndpoint(socket)}`);
}

function markingOf({ mark, family, sockets }: MarkPlan): Marking {
  return {
    mark,
    family,
    sockets: sockets.map(({ protocol, address, port }) => ({
      protocol: protocolNumbers[protocol],
      address,
      port,
    })),
  };
}
