import { unreachable } from "../../base/assert.ts";
import type { RelayScheduler } from "../../config/node-plan.ts";
import type { SchedulerFlag } from "../../config/service-plan.ts";
import { Hashed } from "./hashed.ts";
import { costs, LeastCost } from "./least-cost.ts";
import { Maglev } from "./maglev.ts";
import type { RelayCandidate, Scheduler } from "./scheduler.ts";
import { byTurns } from "./smooth-weighted.ts";
import { TwoChoices } from "./two-choices.ts";

/** Makes a scheduler. `random` gives numbers from 0 to below 1. */
export function makeScheduler<T extends RelayCandidate>(
  name: RelayScheduler,
  flags: readonly SchedulerFlag[],
  servers: readonly T[],
  random: () => number,
): Scheduler<T> {
  switch (name) {
    case "rr":
    case "wrr":
      return byTurns(servers);
    case "lc":
    case "wlc":
    case "sed":
    case "nq":
      // Where several cost the same, a process begins with any of them: else all processes would begin with the first.
      return new LeastCost(servers, costs[name], Math.trunc(random() * servers.length));
    case "fo":
    case "ovf":
      return new LeastCost(servers, costs[name], null);
    case "sh":
    case "dh":
      return new Hashed(servers, { of: name === "sh" ? "client" : "destination", flags });
    case "mh":
      return new Maglev(servers, flags);
    case "twos":
      return new TwoChoices(servers, random);
    default:
      return unreachable(name);
  }
}
