import type { Departures } from "./departures.ts";
import type { Router } from "./router.ts";
import type { WeighedClaim } from "./tracking.ts";

/** What waiting with a withdrawal takes. */
export interface WithdrawalNeeds {
  readonly departures: Departures;
  /** Gives a router and those of its group. */
  readonly withGroup: (router: Router) => readonly Router[];
  readonly drainTimeoutMs: () => number;
  /** Has every claim weighed again. */
  readonly weighAll: () => void;
}

/**
 * Claims that the operator's own hand withdraws, by a tracked file, and nothing else: that is a planned switch, and waits
 * for the open connections. What fails does not.
 */
export class Withdrawals {
  readonly #needs: WithdrawalNeeds;
  /** Those whose connections have had their time. */
  readonly #drained = new Set<Router>();

  constructor(needs: WithdrawalNeeds) {
    this.#needs = needs;
  }

  /** Gives the claim that a router is to have now, which is the one it has while its connections end. */
  admit(router: Router, weighed: WeighedClaim): WeighedClaim {
    const { departures, drainTimeoutMs, weighAll, withGroup } = this.#needs;
    if (weighed.isByHand !== true || router.election.state !== "active") {
      this.#drained.delete(router);
      return weighed;
    }
    if (drainTimeoutMs() > 0 && !this.#drained.has(router) && !departures.isPending(router)) {
      const held = withGroup(router).filter(
        (each) => each.election.state === "active" && !departures.isPending(each),
      );
      departures.begin(held, drainTimeoutMs(), () => {
        for (const each of held) this.#drained.add(each);
        weighAll();
      });
    }
    if (!departures.isPending(router)) return weighed;
    return { claim: router.weighed.claim, claims: weighed.claims };
  }
}
