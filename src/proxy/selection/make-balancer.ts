import { unreachable } from "../../base/assert.ts";
import type { UpstreamPolicy } from "../../config/upstream-policy.ts";
import { BoundedHash } from "./bounded-hash.ts";
import { costs, LeastCost } from "./least-cost.ts";
import { Maglev } from "./maglev.ts";
import type { RelayCandidate, Scheduler } from "./scheduler.ts";
import { byTurns } from "./smooth-weighted.ts";
import { Tiers } from "./tiers.ts";
import { TwoChoices } from "./two-choices.ts";
import { weightedDraw } from "./weighted-draw.ts";

type BalancePolicy = Pick<UpstreamPolicy, "balance" | "hashBound">;

/**
 * Makes what chooses among the servers of an upstream. The caller's address is what is hashed, whatever it is; one without
 * any goes by turns. `random` gives numbers from 0 to below 1.
 */
export function makeBalancer<T extends RelayCandidate>(
  policy: BalancePolicy,
  servers: readonly T[],
  random: () => number,
): Scheduler<T> {
  const make = (group: readonly T[]): Scheduler<T> => makeTier(policy, group, random);
  return servers.some(({ isBackup }) => isBackup) ? new Tiers(servers, make) : make(servers);
}

function makeTier<T extends RelayCandidate>(
  { balance, hashBound }: BalancePolicy,
  servers: readonly T[],
  random: () => number,
): Scheduler<T> {
  switch (balance) {
    case "round-robin":
      return byTurns(servers);
    case "least-connections":
      // Where several cost the same, a process begins with any of them: else all processes would begin with the first.
      return new LeastCost(servers, costs.wlc, Math.trunc(random() * servers.length));
    case "random":
      return { next: (_, tried) => weightedDraw(servers, tried, random()) };
    case "two-choices":
      return new TwoChoices(servers, random);
    case "source-hash":
      return new Maglev(servers, ["fallback"]);
    case "consistent-hash":
      return hashedOrByTurns(new BoundedHash(servers, hashBound), byTurns(servers));
    case "first":
      return new LeastCost(servers, () => 0, null);
    default:
      return unreachable(balance);
  }
}

/** Requests without what is hashed would all go to one server. */
function hashedOrByTurns<T extends RelayCandidate>(hashed: Scheduler<T>, turns: Scheduler<T>): Scheduler<T> {
  return { next: (caller, tried) => (caller.clientAddress === "" ? turns : hashed).next(caller, tried) };
}
