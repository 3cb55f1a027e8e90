import type { Instant } from "../../base/instant.ts";
import type { RivalPlan } from "../../config/bfd-plan.ts";
import type { VrrpInstancePlan } from "../../config/node-plan.ts";
import type { Election, ElectionEvent } from "../election-types.ts";

/**
 * What the silence of a neighbour means for an election: PURE. The backup that follows the silent router claims without
 * waiting for three intervals, the best backup first: each waits a detection time for every other that is known to be
 * better and alive. A node that is watched on several interfaces is silent when it is silent on all of them. A router
 * that is only deaf on BFD's port is heard meanwhile, or asserts itself at the claim.
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
  const rival = rivalAt(plan.rivals, source);
  // One that the file does not know is watched by a session that names its very address.
  if (rival === null && (silence.peer !== source || silence.interface !== plan.interface)) return null;
  if (rival !== null && !rival.sessions.includes(silence.session)) return null;
  if (rival !== null && rival.sessions.some(around.isUp)) return null;
  const { detectionMs, reason } = silence;
  const others = plan.rivals.filter((one) => one !== rival);
  const isAlone = rival !== null && others.length === 0;
  const waitMs = isAlone
    ? 0
    : waitMsOf(others, { priority: election.claim.priority, detectionMs, isUp: around.isUp });
  return { kind: "lost", at: around.at, source, waitMs, graceMs: detectionMs, reason: `bfd: ${reason}` };
}

/** Finds whose advertisements come from an address. */
function rivalAt(rivals: readonly RivalPlan[], source: string): RivalPlan | null {
  const known = rivals.find(({ addresses }) => addresses.includes(source));
  if (known !== undefined) return known;
  // An address that the file does not tell, such as an IPv6 link-local one: of two nodes it is the other's.
  const [only, second] = rivals;
  return second === undefined ? (only ?? null) : null;
}

/** Gives how long to wait for better backups before claiming, in milliseconds. */
function waitMsOf(
  others: readonly RivalPlan[],
  own: {
    readonly priority: number;
    readonly detectionMs: number;
    readonly isUp: (session: string) => boolean;
  },
): number {
  const { priority, detectionMs, isUp } = own;
  // Nobody knows who else is there: Skew_Time's order, on the scale of what BFD takes.
  if (others.length === 0) return ((256 - priority) * detectionMs) / 256;
  const better = others.filter((other) => other.priority > priority && other.sessions.some(isUp));
  return better.length * detectionMs;
}
