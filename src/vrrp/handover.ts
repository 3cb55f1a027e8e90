import type { VrrpInstancePlan } from "../config/node-plan.ts";
import type { HandoverOutcome } from "../ipc/handover.ts";
import type { InstanceStatus } from "../ipc/status.ts";
import { nodeAt } from "./neighbour-names.ts";
import { formatMs } from "./timers.ts";
import type { WeighedClaim } from "./tracking.ts";

/** What a handover by the operator makes of claims, and how its end is told: PURE. */

/** Why a router resigns when the operator says so. */
export const handoverReason = "handed over by the operator";

/**
 * Lowers a claim that was handed over to priority 1: it still takes over when nobody else is there, and preempts
 * nobody. The owner of an address has no other priority than 255 (RFC 9568 §5.2.4). Of two nodes it is the only one left
 * when the other resigns or dies, and waits no longer for that than before: the other one reckons with it while it keeps
 * new connections waiting, and priority 1 would be a whole interval more.
 */
export function lowered(
  weighed: WeighedClaim,
  { neighbours }: Pick<VrrpInstancePlan, "neighbours">,
  handedOverAt: string | null,
): WeighedClaim {
  const { claim, claims } = weighed;
  if (handedOverAt === null || claim.kind !== "standing" || claim.priority === 255) return weighed;
  const isOneOfTwo = neighbours.length === 1;
  return {
    claim: { ...claim, priority: 1, ...(isOneOfTwo ? { skewPriority: claim.priority } : {}) },
    claims: [...claims, `${handoverReason} at ${handedOverAt}: priority 1`],
  };
}

/** What is known of a virtual router when its part of an order is over. */
export interface HandoverView {
  readonly plan: Pick<VrrpInstancePlan, "neighbours" | "source">;
  readonly status: Pick<InstanceStatus, "name" | "state" | "since" | "reason" | "peer" | "priority">;
  readonly tookMs: number;
}

/** Names a router heard by its node where the cluster's file has it. */
export function nameOfPeer(plan: Pick<VrrpInstancePlan, "neighbours">, address: string): string {
  return nodeAt(plan.neighbours, address) ?? address;
}

/** Tells how a handover ended that was waited for. */
export function handoverOutcome({ plan, status, tookMs }: HandoverView): HandoverOutcome {
  const { name, state, since, reason, peer } = status;
  if (state === "active") {
    const text = `nobody took over within ${formatMs(tookMs)}: this node holds it as before`;
    return { name, isDone: false, text, holder: null, tookMs: null };
  }
  // A router that had to let go meanwhile (its cable was cut, its plan went away) says itself what came of it.
  if (state !== "backup" || peer === null)
    return { name, isDone: false, text: `${state}: ${reason}`, holder: null, tookMs: null };
  const text = `${nameOfPeer(plan, peer.address)} holds it since ${since}; handed over in ${formatMs(tookMs)}`;
  return { name, isDone: true, text, holder: holderOf(plan, peer.address), tookMs };
}

/** Tells what there is to say of a router that holds nothing which could be handed over. */
export function idleOutcome(view: HandoverView, handedOverAt: string | null): HandoverOutcome {
  const { plan, status } = view;
  const { name, state, peer, reason } = status;
  const holder = state === "backup" && peer !== null ? holderOf(plan, peer.address) : null;
  if (holder !== null && handedOverAt !== null) {
    const text = `${holder.node ?? holder.address} holds it; handed over at ${handedOverAt}`;
    return { name, isDone: true, text, holder, tookMs: null };
  }
  const text =
    holder === null
      ? `this node does not hold it (${state}: ${reason})`
      : `this node does not hold it: ${holder.node ?? holder.address} does; give the command there`;
  return { name, isDone: false, text, holder, tookMs: null };
}

/** Tells how a router stands that claims as usual again. */
export function backOutcome({ plan, status, tookMs }: HandoverView): HandoverOutcome {
  const { name, state, peer, priority } = status;
  if (state === "active") {
    const text = `this node holds it, after ${formatMs(tookMs)}, and claims with priority ${priority}`;
    return { name, isDone: true, text, holder: null, tookMs };
  }
  const claims = priority === 0 ? `${state}: ${status.reason}` : `claims with priority ${priority} again`;
  if (peer === null) return { name, isDone: true, text: claims, holder: null, tookMs: null };
  const holds = `${nameOfPeer(plan, peer.address)} holds it with priority ${peer.priority}`;
  return {
    name,
    isDone: true,
    text: `${claims}; ${holds}`,
    holder: holderOf(plan, peer.address),
    tookMs: null,
  };
}

function holderOf(
  plan: Pick<VrrpInstancePlan, "neighbours">,
  address: string,
): NonNullable<HandoverOutcome["holder"]> {
  return { node: nodeAt(plan.neighbours, address), address };
}
