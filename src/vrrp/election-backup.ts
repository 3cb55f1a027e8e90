import { unreachable } from "../base/assert.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Backup, ElectionConfig, ElectionEvent, Heard, Stepped } from "./election-types.ts";
import { formatMs, skewMs } from "./timers.ts";
import {
  becomeActive,
  becomeFault,
  isSameClaim,
  queueMs,
  rearm,
  skewPriority,
  stop,
  unchanged,
} from "./transitions.ts";

/** A backup watches the active router, follows or outranks it, and claims when it is gone: PURE. */

/** RFC 9568 §6.4.2, RFC 3768 §6.4.2. */
export function stepBackup(config: ElectionConfig, from: Backup, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      // RFC 9568 §6.4.2: cancel the timer, go to Initialize; nothing is sent.
      return stop(from, event.at, event.reason, []);
    case "timer":
      if (event.at < from.deadline) return unchanged(from);
      if (hasOverslept(from, event.at)) return { next: listenOnce(config, from, event.at), effects: [] };
      // RFC 9568 §6.4.2, RFC 3768 §6.4.2: Active_Down_Timer fires.
      return becomeActive(config, from, event.at, {
        claim: from.claim,
        reason: reasonToClaim(config, from, event.at),
      });
    case "advert":
      return { next: listen(config, from, event), effects: [] };
    case "lost":
      return { next: lose(config, from, event), effects: [] };
    case "claim":
      if (event.claim.kind !== "standing") return becomeFault(from, event.at, event.claim, []);
      if (isSameClaim(event.claim, from.claim)) return unchanged(from);
      return { next: { ...from, claim: event.claim }, effects: [] };
    case "configure": {
      // Version 2 has no interval to learn: the new one counts from now.
      if (config.version === 3 || config.advertIntervalMs === from.activeIntervalMs) return unchanged(from);
      const activeIntervalMs = config.advertIntervalMs;
      return { next: rearm(config, { ...from, activeIntervalMs }, event.at), effects: [] };
    }
    case "lead":
      return becomeActive(config, from, event.at, { claim: from.claim, reason: event.reason });
    case "back":
      return { next: { ...from, preemptsFrom: event.at }, effects: [] };
    case "hold":
      return {
        next: { ...from, deadline: later(event.at, from.activeIntervalMs), isHeld: true },
        effects: [],
      };
    case "wait":
      // As long as it hears the holder, which goes on saying that it is there; else until that is gone for sure.
      return { next: rearm(config, from, event.at), effects: [] };
    case "startup":
    case "yield":
    case "handover":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

/** RFC 9568 §6.4.2: what a backup makes of an advertisement. */
function listen(config: ElectionConfig, from: Backup, event: AdvertEvent): Backup {
  const { at, source, priority } = event;
  const heard = (verdict: Heard["verdict"]): Heard => ({ at, source, priority, verdict });
  if (priority === 0) {
    // Even within the start-up delay: whoever resigns is gone, and was heard.
    const deadline = later(at, ownSkewMs(config, from));
    return { ...from, deadline, hasOverslept: false, heard: heard("resigned") };
  }
  if (isEcho(config, from, event)) return from;
  const { verdict, preemptsFrom } = judge(config, from, event);
  if (verdict === "outranked") return { ...from, preemptsFrom, heard: heard(verdict) };
  const activeIntervalMs = config.version === 3 ? event.intervalMs : from.activeIntervalMs;
  return rearm(config, { ...from, activeIntervalMs, preemptsFrom, heard: heard(verdict) }, at);
}

/** What a backup makes of BFD's word: an advertisement that is heard after it puts everything back (`rearm`). */
function lose(config: ElectionConfig, from: Backup, event: Extract<ElectionEvent, { kind: "lost" }>): Backup {
  const { at, source, waitMs, graceMs, reason } = event;
  const isFollowed = from.heard?.verdict === "followed" || from.heard?.verdict === "tolerated";
  // Within the start-up delay nothing is claimed; whoever resigned or is outranked is on its way out already.
  if (!isFollowed || from.heard.source !== source || at < config.claimsFrom) return from;
  const due = later(at, waitMs);
  const deadline = due < from.deadline ? due : from.deadline;
  return { ...from, deadline, hasOverslept: false, lost: { graceMs, reason } };
}

function ownSkewMs({ version }: ElectionConfig, { claim, activeIntervalMs }: Backup): number {
  return skewMs({ version, priority: skewPriority(claim), intervalMs: activeIntervalMs });
}

/**
 * Tells whether a router said this before it resigned: where there is more than one path, the older word may come
 * later. Followed, it would leave the address without a holder for `down_after` intervals. A router that is back
 * within a skew time, which takes an address owner, asserts itself at our first advertisement.
 */
function isEcho(config: ElectionConfig, from: Backup, { at, source }: AdvertEvent): boolean {
  const { heard } = from;
  if (heard?.verdict !== "resigned" || heard.source !== source) return false;
  return at < later(heard.at, ownSkewMs(config, from));
}

/** Tells whether an active router is followed, and when it may be preempted if it is of lower priority. */
function judge(
  config: ElectionConfig,
  { claim, preemptsFrom: before }: Backup,
  { at, priority }: AdvertEvent,
): { readonly verdict: "followed" | "tolerated" | "outranked"; readonly preemptsFrom: Instant | null } {
  if (priority >= claim.priority) return { verdict: "followed", preemptsFrom: null };
  if (at < config.claimsFrom) return { verdict: "followed", preemptsFrom: before };
  if (claim.priority === 255) return { verdict: "outranked", preemptsFrom: null };
  if (!config.preempts) return { verdict: "followed", preemptsFrom: null };
  const preemptsFrom = before ?? later(at, config.preemptDelayMs);
  if (at < preemptsFrom) return { verdict: "followed", preemptsFrom };
  return { verdict: config.isHeldBack ? "tolerated" : "outranked", preemptsFrom };
}

/** Tells whether this host slept through a deadline, and perhaps through the advertisements before it. */
function hasOverslept(from: Backup, at: Instant): boolean {
  // Only once, or a host that is always late would never claim.
  return !from.hasOverslept && at > later(from.deadline, queueMs);
}

/**
 * Puts a deadline off. How long a host slept its lateness does not tell: at least that long. If it is a good part of an
 * interval the router waits for as long as it takes to hear an active one that is alive; if it is less, a host that is
 * busy, it only reads what has come in already.
 */
function listenOnce(config: ElectionConfig, from: Backup, at: Instant): Backup {
  const graceMs = from.lost?.graceMs ?? Math.max(leastGraceMs, from.activeIntervalMs / 10);
  const isLong = at > later(from.deadline, graceMs);
  const ms = isLong ? from.activeIntervalMs + ownSkewMs(config, from) : queueMs;
  return { ...from, deadline: later(at, ms), hasOverslept: true };
}

/** A host that is late by less than this was busy, whatever the interval. */
const leastGraceMs = 5;

function reasonToClaim(config: ElectionConfig, from: Backup, at: Instant): string {
  const { heard, lost } = from;
  if (lost !== null && heard?.verdict !== "resigned") return lost.reason;
  if (heard === null) return `no advertisement heard for ${formatMs(at - from.since)}`;
  if (heard.verdict === "resigned") return `${heard.source} resigned`;
  const isOutranked =
    heard.verdict === "outranked" && at - heard.at <= config.downAfter * from.activeIntervalMs;
  if (isOutranked) return `${heard.source} has priority ${heard.priority}, ours is ${from.claim.priority}`;
  return `no advertisement from ${heard.source} for ${formatMs(at - heard.at)}`;
}

type AdvertEvent = Extract<ElectionEvent, { kind: "advert" }>;
