import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import {
  acceptanceChain,
  acceptanceComments,
  acceptanceElement,
  acceptanceSets,
  acceptanceTable,
  elementChanges,
  elementName,
  rebuiltTable,
  type AcceptanceElement,
} from "../kernel/acceptance-table.ts";
import type { Complaints } from "./complaints.ts";
import type { Deadlines } from "./deadlines.ts";
import { heldAddresses } from "./held-addresses.ts";
import type { Host, PacketFilter } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";
import { routerKey } from "./plan-difference.ts";

/** What keeping packets away takes. */
export interface AcceptanceNeeds {
  readonly host: Pick<Host, "openPacketFilter" | "clock">;
  readonly interfaces: Interfaces;
  readonly deadlines: Deadlines;
  readonly complaints: Complaints;
  readonly log: Log;
}

/** Events come in swarms, ours among them: what they are about is looked at once, this long after the first. */
const settleMs = 5;
const deadlineName = "packets that are not accepted";

/**
 * Accept_Mode (RFC 9568 §6.1): drops packets to the virtual addresses of routers with `accept = false` for as long as
 * they are held. The rules stand before the address is there and go after it. They are put back when somebody removes
 * them, as with `nft flush ruleset`. No table is left when no router of the plan needs one.
 */
export class Acceptance {
  readonly #needs: AcceptanceNeeds;
  readonly #wanted = new Map<string, readonly AcceptanceElement[]>();
  #filter: PacketFilter | null = null;
  /** Whether a router of the plan in force may need it; one that is about to leave may beside them. */
  #isNeeded = false;
  #isWhole = false;
  #isCheckDue = false;

  constructor(needs: AcceptanceNeeds) {
    this.#needs = needs;
  }

  /** Makes sure that the kernel can do what these routers ask for; throws `SystemError` if it cannot. */
  prepare(plans: readonly VrrpInstancePlan[]): () => void {
    const isNeeded = plans.some(({ accepts }) => !accepts);
    if (isNeeded) this.#begin(plans);
    return () => {
      this.#isNeeded = isNeeded;
      if (!isNeeded && this.#wanted.size === 0) this.close();
    };
  }

  /** Keeps packets away from the addresses of a router that is about to hold them, or lets them through again. */
  hold(plan: VrrpInstancePlan): void {
    if (plan.accepts) return this.release(plan);
    const elements = this.#elementsOf(plan);
    const fresh = this.#missingFrom(this.#current(), elements);
    const before = this.#wanted.get(routerKey(plan)) ?? [];
    this.#wanted.set(routerKey(plan), elements);
    if (fresh.length > 0) this.#change("add-elements", fresh);
    this.#forget(before);
  }

  /** Lets packets through to the addresses of a router that holds them no more. */
  release(plan: Pick<VrrpInstancePlan, "interface" | "family" | "vrid">): void {
    const key = routerKey(plan);
    const before = this.#wanted.get(key);
    this.#wanted.delete(key);
    if (!this.#isNeeded && this.#wanted.size === 0) return this.close();
    if (before !== undefined) this.#forget(before);
  }

  /** Takes over what an earlier process left for a router, without touching it. */
  adopt(plan: VrrpInstancePlan): void {
    if (!plan.accepts) this.#wanted.set(routerKey(plan), this.#elementsOf(plan));
  }

  /** Removes what an earlier process left and was not adopted. */
  sweep(): void {
    if (this.#filter !== null) return this.check();
    try {
      const filter = this.#needs.host.openPacketFilter();
      filter.removeTable(acceptanceTable);
      filter.close();
    } catch {
      // No packet filter, and so nothing in it.
    }
  }

  /** Compares with the kernel, and puts right what is not. */
  check(): void {
    this.#isCheckDue = false;
    const filter = this.#filter;
    if (filter === null) return;
    try {
      const present = this.#present(filter);
      const current = this.#current();
      if (present === null) {
        if (this.#isWhole)
          this.#needs.log.warning("accept = false: somebody removed its rules; they are back");
        filter.apply(rebuiltTable(current));
        this.#isWhole = true;
        return;
      }
      const changes = [
        ...elementChanges("add-elements", this.#missingFrom(present, current)),
        ...elementChanges("remove-elements", this.#missingFrom(current, present)),
      ];
      if (changes.length > 0) filter.apply(changes);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Removes the table. */
  close(): void {
    const filter = this.#filter;
    if (filter === null) return;
    this.#filter = null;
    this.#isWhole = false;
    this.#wanted.clear();
    this.#needs.deadlines.clear(deadlineName);
    try {
      filter.removeTable(acceptanceTable);
    } catch (error) {
      this.#complain(error);
    }
    filter.close();
  }

  #begin(plans: readonly VrrpInstancePlan[]): void {
    if (this.#filter !== null) return;
    let filter: PacketFilter | null = null;
    try {
      filter = this.#needs.host.openPacketFilter();
      filter.subscribe(acceptanceTable, () => this.#checkSoon());
      // An earlier process may have left it with addresses that are there still: those stay in it.
      if (this.#present(filter) === null) filter.apply(rebuiltTable([]));
    } catch (error) {
      filter?.close();
      const name = plans.find(({ accepts }) => !accepts)?.name ?? "";
      const remedy = "load the kernel module nf_tables, or write accept = true";
      throw new Error(
        `${name}: accept = false needs the kernel's packet filter: ${errorText(error)}; ${remedy}`,
        {
          cause: error,
        },
      );
    }
    this.#filter = filter;
    this.#isWhole = true;
  }

  /** Gives every element of a table that is whole; null if it is not. */
  #present(filter: PacketFilter): readonly AcceptanceElement[] | null {
    if (filter.comments(acceptanceTable, acceptanceChain).join("\n") !== acceptanceComments.join("\n"))
      return null;
    const found: AcceptanceElement[] = [];
    for (const { name: set } of acceptanceSets) {
      const keys = filter.elements(acceptanceTable, set);
      if (keys === null) return null;
      found.push(...keys.map((key) => ({ set, key })));
    }
    return found;
  }

  #checkSoon(): void {
    if (this.#isCheckDue) return;
    this.#isCheckDue = true;
    const { deadlines, host } = this.#needs;
    deadlines.set(deadlineName, later(host.clock.now(), settleMs), () => this.check());
  }

  #current(): readonly AcceptanceElement[] {
    const all = [...this.#wanted.values()].flat();
    return [...new Map(all.map((element) => [elementName(element), element])).values()];
  }

  #missingFrom(
    these: readonly AcceptanceElement[],
    those: readonly AcceptanceElement[],
  ): readonly AcceptanceElement[] {
    const names = new Set(these.map(elementName));
    return those.filter((element) => !names.has(elementName(element)));
  }

  #elementsOf(plan: VrrpInstancePlan): readonly AcceptanceElement[] {
    return heldAddresses(plan).flatMap(({ address, interface: on }) => {
      const link = this.#needs.interfaces.linkNamed(on);
      return link === null ? [] : [acceptanceElement(address, link.index)];
    });
  }

  /** Removes what nobody wants any more. */
  #forget(before: readonly AcceptanceElement[]): void {
    const old = this.#missingFrom(this.#current(), before);
    if (old.length > 0) this.#change("remove-elements", old);
  }

  #change(kind: "add-elements" | "remove-elements", elements: readonly AcceptanceElement[]): void {
    try {
      this.#filter?.apply(elementChanges(kind, elements));
    } catch {
      // Somebody has been at the table: what should be there is known.
      this.check();
    }
  }

  #complain(error: unknown): void {
    const text = `accept = false cannot be kept up: ${errorText(error)}`;
    if (this.#needs.complaints.isDue(text, this.#needs.host.clock.now())) this.#needs.log.error(text);
  }
}
