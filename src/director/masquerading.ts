import { errorText } from "../base/system-error.ts";
import type { MasqueradePlan } from "../config/footing-plan.ts";
import type { HeldOutcome } from "../kernel/held-settings.ts";
import {
  masqueradeChain,
  masqueradeChanges,
  masqueradeTable,
  masqueradeText,
} from "../kernel/masquerade-table.ts";
import type { Nftables } from "../kernel/nftables.ts";

/** The packet filter as it is used here. */
export type NatKernel = Pick<Nftables, "apply" | "comments" | "removeTable" | "close">;

/** The packet filter's table for the connections that get an address of this node as their source. */
export class Masquerading {
  readonly #open: () => NatKernel;
  /** Whether there may be a table: one of an earlier process, at the start. */
  #mayBeThere = true;
  /** Whether there was one when it was last looked at. */
  #wasThere = false;

  constructor(open: () => NatKernel) {
    this.#open = open;
  }

  /** Tells whose connections are masqueraded, in words. */
  status(): readonly string[] {
    if (!this.#mayBeThere) return [];
    try {
      const kernel = this.#open();
      try {
        return kernel.comments(masqueradeTable, masqueradeChain);
      } finally {
        kernel.close();
      }
    } catch {
      // A kernel without a packet filter masquerades nothing.
      return [];
    }
  }

  /** Makes the table as it should be; without anything wanted there is none. */
  reconcile(wanted: readonly MasqueradePlan[]): HeldOutcome {
    if (wanted.length === 0 && !this.#mayBeThere) return { changes: [], problems: [] };
    try {
      const kernel = this.#open();
      try {
        return {
          changes: wanted.length === 0 ? this.#remove(kernel) : this.#make(kernel, wanted),
          problems: [],
        };
      } finally {
        kernel.close();
      }
    } catch (error) {
      const isMissed = wanted.length > 0 || this.#wasThere;
      // A kernel without a packet filter has no table that could be left over.
      if (!isMissed) this.#mayBeThere = false;
      return { changes: [], problems: isMissed ? [`masquerading: ${errorText(error)}`] : [] };
    }
  }

  #remove(kernel: NatKernel): readonly string[] {
    const outcome = kernel.removeTable(masqueradeTable);
    this.#mayBeThere = false;
    this.#wasThere = false;
    return outcome === "removed" ? ["connections are masqueraded no more"] : [];
  }

  #make(kernel: NatKernel, wanted: readonly MasqueradePlan[]): readonly string[] {
    const texts = wanted.map(masqueradeText);
    const actual = kernel.comments(masqueradeTable, masqueradeChain);
    this.#mayBeThere = true;
    this.#wasThere = true;
    if (texts.length === actual.length && texts.every((text, index) => text === actual[index])) return [];
    kernel.apply(masqueradeChanges(wanted));
    return [`masqueraded: ${texts.join(", ")}`];
  }
}
