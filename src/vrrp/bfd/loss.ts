import type { Instant } from "../../base/instant.ts";
import type { RivalPlan } from "../../config/bfd-plan.ts";
import type { VrrpInstancePlan } from "../../config/node-plan.ts";
import type { Election, ElectionEvent } from "../election-types.ts";

/**
 * What the silence of a neighbour means for an election: PURE. The backup that follows the silent router claims without
 * waiting for three intervals, the best backup first: each waits a detection time for every other that is known to be
 * better and alive. A router that is only deaf on BFD's port is heard meanwhile, or asserts itself at the claim.
 */

/** A session that went down because nothing was heard any more. */
export interface Silence {
  readonly session: string;
  readonly interface: string;
  readonly peer: string;
  readonly detectionMs: number;
  readonly reason: string;
}

/** Gives the event for one router, or null if the silent one is not the router it follows. */
export function lossEvent(
  router: { readonly plan: Pick<VrrpInstancePlan, "interface" | "rivals">; readonly election: Election },
  silence: Silence,
  around: { readonly at: Instant; readonly isUp: (session: string) => boolean },
): Extract<ElectionEvent, { kind: "lost" }> | null {
  const { plan, election } = router;
  if (election.state !== "backup" || election.heard === null) return null;
  const { source } = election.heard;
  if (plan.interface !== silence.interface || !isSilentOne(plan.rivals, source, silence)) return null;
  const { priority } = election.claim;
  const { detectionMs, reason } = silence;
  const waitMs = waitBeforeClaim(plan.rivals, { priority, silence, isUp: around.isUp });
  return { kind: "lost", at: around.at, source, waitMs, graceMs: detectionMs, reason: `bfd: ${reason}` };
}

/** Tells whether advertisements from `source` are the silent node's. */
function isSilentOne(rivals: readonly RivalPlan[], source: string, { session, peer }: Silence): boolean {
  if (source === peer) return true;
  const known = rivals.find(({ addresses }) => addresses.includes(source));
  if (known !== undefined) return known.session === session;
  // An address that the file does not tell, such as an IPv6 link-local one: of two nodes it is the other's.
  const [only, second] = rivals;
  return second === undefined && only?.session === session;
}

/** Gives how long to wait for better backups before claiming, in milliseconds. */
function waitBeforeClaim(
  rivals: readonly RivalPlan[],
  own: { readonly priority: number; readonly silence: Silence; readonly isUp: (session: string) => boolean },
): number {
  const { priority, silence, isUp } = own;
  const { detectionMs } = silence;
  // Nobody knows who else is there: Skew_Time's order, on the scale of what BFD takes.
  if (rivals.length === 0) return ((256 - priority) * detectionMs) / 256;
  const better = rivals.filter((rival) => {
    return rival.session !== silence.session && rival.priority > priority && isUp(rival.session);
  });
  return better.length * detectionMs;
}
