import { compareAddresses } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { later, type Instant } from "../base/instant.ts";
import type {
  Active,
  ElectionConfig,
  ElectionEffect,
  ElectionEvent,
  StandingClaim,
  Stepped,
} from "./election-types.ts";
import {
  advert,
  asserted,
  becomeFault,
  isSameClaim,
  leave,
  listening,
  notify,
  queueMs,
  resign,
  unchanged,
} from "./transitions.ts";

/** An active router advertises, asserts itself against those it outranks and gives way to the others: PURE. */

/** RFC 9568 §6.4.3, RFC 3768 §6.4.3. */
export function stepActive(config: ElectionConfig, from: Active, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      // RFC 9568 §6.4.3, RFC 3768 §6.4.3: priority 0, then Initialize, which can wait.
      return leave(config, from, event.at, {
        claim: from.claim,
        reason: event.reason,
        isStopping: true,
        isHandover: false,
      });
    case "timer":
      if (event.at < from.deadline) return unchanged(from);
      if (!from.mayBeReplaced && mayBeReplaced(config, from, event.at)) {
        const deadline = later(event.at, queueMs);
        return { next: { ...from, deadline, mayBeReplaced: true }, effects: [] };
      }
      return {
        next: { ...from, deadline: nextAdvert(config, from.deadline, event.at), mayBeReplaced: false },
        effects: [advert(from.claim)],
      };
    case "advert":
      return meetRival(config, from, event);
    case "claim": {
      const { claim, at } = event;
      if (claim.kind === "standing") return reclaim(config, from, at, claim);
      // Nobody asks for the addresses on an interface that is cut off. A heartbeat that is not carries the last word,
      // so that a backup claims after its skew and not after three intervals; without one nothing is sent.
      if (claim.kind === "cut-off") {
        return becomeFault(from, at, claim, [resign, { kind: "removeAddresses" }]);
      }
      return leave(config, from, at, { claim, reason: claim.reason, isStopping: false, isHandover: false });
    }
    case "configure":
      return { next: asserted(config, from, event.at), effects: [advert(from.claim)] };
    case "yield": {
      const next = listening(config, event.at, { claim: from.claim, reason: event.reason, heard: null });
      return { next, effects: [resign, { kind: "removeAddresses" }, notify(from, next)] };
    }
    case "handover": {
      const { claim, reason } = event;
      return leave(config, from, event.at, { claim, reason, isStopping: false, isHandover: true });
    }
    case "startup":
    case "lost":
    case "lead":
    case "back":
    case "hold":
    case "wait":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

/** A changed priority or source: the others learn of it at once, not at the next interval. */
function reclaim(config: ElectionConfig, from: Active, at: Instant, claim: StandingClaim): Stepped {
  if (isSameClaim(claim, from.claim)) return unchanged(from);
  return { next: asserted(config, { ...from, claim }, at), effects: [advert(claim)] };
}

/** RFC 9568 §6.4.3: what the active router makes of another's advertisement. */
function meetRival(config: ElectionConfig, from: Active, event: AdvertEvent): Stepped {
  const { at, source, priority } = event;
  const { claim } = from;
  if (priority === 0) return answer(config, from, at, []);
  const isOutranked =
    priority > claim.priority || (priority === claim.priority && compareAddresses(source, claim.source) > 0);
  // Whoever took over from a host that slept keeps what it has, as if that host had just been started.
  const isReplaced =
    mayBeReplaced(config, from, at) && (!preemptsAtOnce(config, claim) || priority === claim.priority);
  if (isOutranked || isReplaced) {
    const why = isOutranked
      ? reasonToYield(claim, source, priority)
      : `${source} took over while this host slept`;
    const next = listening(config, at, {
      claim,
      reason: why,
      heard: { at, source, priority, verdict: "followed" },
      activeIntervalMs: event.intervalMs,
    });
    // One last advertisement, which no RFC asks for: hosts that have learned our hardware address, as after a cut
    // between the two, are told of the winner's only if the winner knows that it had a rival.
    // A word from one that gives way without being outranked would make the other give way too.
    // It names the winner's interval: in version 3 the other backups would wait for the next one by ours.
    const lastWord = isOutranked ? [{ ...advert(claim), intervalMs: event.intervalMs }] : [];
    return { next, effects: [...lastWord, { kind: "removeAddresses" }, notify(from, next)] };
  }
  // RFC 9568 §6.4.3: asserted at once, so that the rival gives way; harmless, and as useful, in version 2.
  // The hosts may have learned the rival's hardware address, hence the announcement, once in an interval at most.
  if (at < later(from.announcedAt, config.advertIntervalMs)) return answer(config, from, at, []);
  return answer(config, { ...from, announcedAt: at }, at, [{ kind: "announce" }]);
}

function reasonToYield(claim: StandingClaim, source: string, priority: number): string {
  return priority > claim.priority
    ? `${source} has priority ${priority}, ours is ${claim.priority}`
    : `${source} has our priority ${priority} and the higher address`;
}

/** Sends an advertisement at once because of another's. */
function answer(config: ElectionConfig, from: Active, at: Instant, more: readonly ElectionEffect[]): Stepped {
  // A router that is sure to outrank us while we are sure to outrank it would answer every answer, at line speed.
  if (from.answeredAt !== null && at < later(from.answeredAt, shortestAnswerMs)) return unchanged(from);
  return {
    next: { ...asserted(config, from, at), answeredAt: at },
    effects: [advert(from.claim), ...more],
  };
}

/** The shortest advertisement interval there is (RFC 9568 §5.2.7). */
const shortestAnswerMs = 10;

/** Preempt_Mode, without a delay; the address owner preempts regardless (RFC 9568 §6.1). */
function preemptsAtOnce(config: ElectionConfig, claim: StandingClaim): boolean {
  return claim.priority === 255 || (config.preempts && config.preemptDelayMs === 0 && !config.isHeldBack);
}

/** Tells whether an active router has been silent for so long that a backup may have claimed: it slept. */
export function mayBeReplaced(config: ElectionConfig, from: Active, at: Instant): boolean {
  // Its last advertisement was sent an interval before its deadline. Backups wait for as many as this router would,
  // or for three if they are not ours.
  const silence = Math.min(config.downAfter, 3) - 1;
  return from.mayBeReplaced || at > later(from.deadline, silence * config.advertIntervalMs);
}

/** Keeps the beat of the advertisements, unless this host was late by a whole interval. */
function nextAdvert(config: ElectionConfig, deadline: Instant, at: Instant): Instant {
  const onBeat = later(deadline, config.advertIntervalMs);
  return onBeat > at ? onBeat : later(at, config.advertIntervalMs);
}

type AdvertEvent = Extract<ElectionEvent, { kind: "advert" }>;
