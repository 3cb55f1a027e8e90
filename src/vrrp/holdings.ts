import type { Log } from "../base/log.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import { Acceptance } from "./acceptance.ts";
import { Complaints } from "./complaints.ts";
import type { Deadlines } from "./deadlines.ts";
import { heldAddresses } from "./held-addresses.ts";
import type { HoldingNeeds } from "./holding.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";
import { Ownership } from "./ownership.ts";
import { PutBacks } from "./put-backs.ts";
import { Secondaries } from "./secondaries.ts";
import { VirtualAddresses } from "./virtual-addresses.ts";
import { VirtualFib } from "./virtual-fib.ts";

/**
 * What the virtual routers of this host hold in the kernel, and the memory of whose it is: addresses, routes and rules.
 * What a single router takes and gives up is in holding.ts.
 */
export class Holdings {
  /** What each router needs of this. */
  readonly needs: Pick<HoldingNeeds, "addresses" | "acceptance" | "fib" | "putBacks">;

  constructor(given: {
    readonly host: Host;
    readonly interfaces: Interfaces;
    readonly deadlines: Deadlines;
    readonly log: Log;
  }) {
    const { host, interfaces, log } = given;
    // From Linux 5.18 on every address has a tag, the loopback's own too.
    const keepsTags = interfaces.all().some(({ protocol }) => protocol !== 0);
    const ownership = new Ownership({ journal: host.journal, log, keepsTags });
    const putBacks = new PutBacks({ clock: host.clock, log });
    const around = { ...given, ownership, complaints: new Complaints() };
    this.needs = {
      acceptance: new Acceptance(around),
      addresses: new VirtualAddresses({ ...around, secondaries: new Secondaries({ host, log }) }),
      fib: new VirtualFib({ ...around, putBacks }),
      putBacks,
    };
  }

  /** Gets ready for these routers, or throws; the result puts it in force. */
  prepare(plans: readonly VrrpInstancePlan[]): () => void {
    const ready = [this.needs.fib.prepare(plans), this.needs.acceptance.prepare(plans)];
    return () => {
      for (const each of ready) each();
    };
  }

  /** Takes over what an earlier process left for these routers. */
  adopt(plans: readonly VrrpInstancePlan[]): void {
    for (const plan of plans) {
      this.needs.acceptance.adopt(plan);
      // The owner's address is the host's own: never ours to remove.
      const { addresses, extraAddresses } = plan;
      this.needs.addresses.adopt(
        plan.priority === 255 ? extraAddresses : heldAddresses({ addresses, extraAddresses }),
      );
      this.needs.fib.adopt(plan);
    }
  }

  /** Removes what an earlier process left and was not adopted. */
  sweep(): void {
    // Rules first: what they point to goes next.
    this.needs.fib.sweep();
    this.needs.addresses.sweep();
    this.needs.acceptance.sweep();
  }

  /** Puts back what is not there of routes, rules and packet filters. */
  check(): void {
    this.needs.fib.check();
    this.needs.acceptance.check();
  }

  /** Does the same in a moment, once for many events. */
  checkSoon(): void {
    this.needs.fib.checkSoon();
  }

  close(): void {
    this.needs.fib.close();
    this.needs.acceptance.close();
  }
}
