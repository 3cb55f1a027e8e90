import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { attemptProbe } from "../health/probe.ts";
import type { ProberOptions } from "../health/prober.ts";
import { Nftables } from "../kernel/nftables.ts";
import { RouteNetlink } from "../kernel/rtnetlink.ts";
import { Detours } from "./detours.ts";

/** How long after the first word of a change in the packet filter it is looked at. */
const settleMs = 5;

/** Opens this network namespace's detours; nothing is asked of the kernel before it is needed. */
export function openDetours(clock: Clock, log: Log): Detours {
  const detours: Detours = new Detours({
    log,
    openFilter: () => Nftables.open(),
    openRoutes: () => RouteNetlink.open(),
    // Several changes of one moment are looked at together.
    onNews: () => void clock.schedule(later(clock.now(), settleMs), () => detours.check()),
  });
  return detours;
}

/** Makes attempts, but none that would not go where it should. */
export function attemptsBy(detours: Pick<Detours, "problem">): ProberOptions["attempt"] {
  return (probe, deadline) => {
    const problem = detours.problem(probe);
    return problem === null ? attemptProbe(probe, deadline) : Promise.reject(new Error(problem));
  };
}
