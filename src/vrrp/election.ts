import { compareAddresses } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { later, type Instant } from "../base/instant.ts";
import type {
  Active,
  Backup,
  Claim,
  Election,
  ElectionConfig,
  ElectionEffect,
  ElectionEvent,
  Fault,
  Heard,
  Initialize,
  Leaving,
  StandingClaim,
  Stepped,
} from "./election-types.ts";
import { formatMs, skewMs } from "./timers.ts";
import {
  advert,
  asserted,
  becomeActive,
  becomeFault,
  depart,
  leave,
  listening,
  notify,
  rearm,
  resign,
  stop,
  unchanged,
} from "./transitions.ts";

/**
 * One virtual router's election: RFC 9568 §6.4 for version 3, RFC 3768 §6.4 for version 2, and two states beside
 * theirs: `fault` for a router that may not take part, `leaving` for one that has resigned and goes on answering
 * until it hears who takes over. PURE: events bring their time, the deadline is part of the state, effects are
 * data. It knows no packets (receive.ts), no tracks (tracking.ts) and no groups (sync-group.ts).
 *
 *                        startup, 255 or adopted
 *      ┌────────────┐ ─────────────────────────────────► ┌────────┐
 *      │ initialize │                                    │ active │ ◄─┐ advert to send
 *      └────────────┘ ──── startup ────► ┌────────┐ ───► └────────┘ ──┘
 *        ▲   ▲ shutdown                  │ backup │  deadline, lead │
 *        │   └───────────────────────────└────────┘ ◄───────────────┤ outranked, yield
 *        │            claim stands again   ▲   │ claim gone         │
 *        │                                 │   ▼                    │
 *        │                               ┌───────┐ ◄────────────────┤ cut off
 *        │                               │ fault │                  │
 *        │                               └───────┘                  │
 *        │    stopping                        ▲ withdrawn           ▼
 *        │                                    │              ┌─────────┐
 *        └────────────────────────────────────┴───────────── │ leaving │ shutdown, claim withdrawn
 *                       advert, deadline, cut off            └─────────┘
 */
export function step(config: ElectionConfig, election: Election, event: ElectionEvent): Stepped {
  switch (election.state) {
    case "initialize":
      return stepInitialize(config, election, event);
    case "backup":
      return stepBackup(config, election, event);
    case "active":
      return stepActive(config, election, event);
    case "leaving":
      return stepLeaving(config, election, event);
    case "fault":
      return stepFault(config, election, event);
    default:
      return unreachable(election);
  }
}

/** Gives the election of an instance that has not been started. */
export function notStarted(at: Instant): Initialize {
  return { state: "initialize", since: at, reason: "not started" };
}

function stepInitialize(config: ElectionConfig, from: Initialize, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "startup":
      return begin(config, from, {
        at: event.at,
        claim: event.claim,
        adopts: event.adopts,
        reason: "started",
      });
    case "shutdown":
    case "timer":
    case "advert":
    case "claim":
    case "configure":
    case "lead":
    case "yield":
    case "hold":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

function stepBackup(config: ElectionConfig, from: Backup, event: ElectionEvent): Stepped {
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
        reason: reasonToClaim(from, event.at),
      });
    case "advert":
      return { next: listen(config, from, event), effects: [] };
    case "claim":
      if (event.claim.kind !== "standing") return becomeFault(from, event.at, event.claim, []);
      return { next: { ...from, claim: event.claim }, effects: [] };
    case "configure": {
      // Version 2 has no interval to learn: the new one counts from now.
      if (config.version === 3 || config.advertIntervalMs === from.activeIntervalMs) return unchanged(from);
      const activeIntervalMs = config.advertIntervalMs;
      return { next: rearm(config, { ...from, activeIntervalMs }, event.at), effects: [] };
    }
    case "lead":
      return becomeActive(config, from, event.at, { claim: from.claim, reason: event.reason });
    case "hold":
      return { next: { ...from, deadline: later(event.at, from.activeIntervalMs) }, effects: [] };
    case "startup":
    case "yield":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

function stepActive(config: ElectionConfig, from: Active, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      // RFC 9568 §6.4.3, RFC 3768 §6.4.3: priority 0, then Initialize, which can wait.
      return leave(config, from, event.at, { claim: from.claim, reason: event.reason, isStopping: true });
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
      // Nothing can be sent through an interface that is cut off, and nobody asks for the addresses there.
      if (claim.kind === "cut-off") return becomeFault(from, at, claim, [{ kind: "removeAddresses" }]);
      return leave(config, from, at, { claim, reason: claim.reason, isStopping: false });
    }
    case "configure":
      return { next: asserted(config, from, event.at), effects: [advert(from.claim)] };
    case "yield": {
      const next = listening(config, event.at, { claim: from.claim, reason: event.reason, heard: null });
      return { next, effects: [resign, { kind: "removeAddresses" }, notify(from, next)] };
    }
    case "startup":
    case "lead":
    case "hold":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

function stepLeaving(config: ElectionConfig, from: Leaving, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      if (from.isStopping) return unchanged(from);
      return { next: { ...from, isStopping: true, reason: event.reason }, effects: [] };
    case "advert":
      // Another one that leaves, or an echo of the last word.
      if (event.priority === 0) return unchanged(from);
      return depart(config, from, event.at, `${event.source} took over`);
    case "timer":
      if (event.at < from.deadline) return unchanged(from);
      if (!from.isStopping && from.claim.kind === "standing") {
        const reason = `no longer: ${from.reason}; nobody else took over`;
        return becomeActive(config, from, event.at, { claim: from.claim, reason });
      }
      return depart(config, from, event.at, "nobody took over");
    case "claim": {
      const next: Leaving = { ...from, claim: event.claim };
      if (event.claim.kind === "cut-off") return depart(config, next, event.at, event.claim.reason);
      return { next, effects: [] };
    }
    case "startup":
    case "configure":
    case "lead":
    case "yield":
    case "hold":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

function stepFault(config: ElectionConfig, from: Fault, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      return stop(from, event.at, event.reason, []);
    case "claim": {
      const { claim, at } = event;
      if (claim.kind !== "standing") return { next: { ...from, claim, reason: claim.reason }, effects: [] };
      return begin(config, from, { at, claim, adopts: false, reason: `no longer: ${from.reason}` });
    }
    case "startup":
    case "timer":
    case "advert":
    case "configure":
    case "lead":
    case "yield":
    case "hold":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

type AdvertEvent = Extract<ElectionEvent, { kind: "advert" }>;

/** RFC 9568 §6.4.1, and the same once a fault is over. */
function begin(
  config: ElectionConfig,
  from: Initialize | Fault,
  how: { readonly at: Instant; readonly claim: Claim; readonly adopts: boolean; readonly reason: string },
): Stepped {
  const { at, claim, adopts, reason } = how;
  if (claim.kind !== "standing") return becomeFault(from, at, claim, [{ kind: "removeAddresses" }]);
  if (adopts) {
    return becomeActive(config, from, at, {
      claim,
      reason: "taken over from an earlier process of this node",
    });
  }
  if (claim.priority === 255)
    return becomeActive(config, from, at, { claim, reason: `${reason}; address owner` });
  const next = listening(config, at, { claim, reason, heard: null });
  return { next, effects: [notify(from, next)] };
}

/** A changed priority or source: the others learn of it at once, not at the next interval. */
function reclaim(config: ElectionConfig, from: Active, at: Instant, claim: StandingClaim): Stepped {
  if (claim.priority === from.claim.priority && claim.source === from.claim.source) return unchanged(from);
  return { next: asserted(config, { ...from, claim }, at), effects: [advert(claim)] };
}

/** RFC 9568 §6.4.2: what a backup makes of an advertisement. */
function listen(config: ElectionConfig, from: Backup, event: AdvertEvent): Backup {
  const { at, source, priority } = event;
  const heard = (verdict: Heard["verdict"]): Heard => ({ at, source, priority, verdict });
  if (priority === 0) {
    const rules = {
      version: config.version,
      priority: from.claim.priority,
      intervalMs: from.activeIntervalMs,
    };
    return { ...from, deadline: later(at, skewMs(rules)), hasOverslept: false, heard: heard("resigned") };
  }
  if (preempts(config, from.claim) && priority < from.claim.priority)
    return { ...from, heard: heard("outranked") };
  const activeIntervalMs = config.version === 3 ? event.intervalMs : from.activeIntervalMs;
  return rearm(config, { ...from, activeIntervalMs, heard: heard("followed") }, at);
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
    mayBeReplaced(config, from, at) && (!preempts(config, claim) || priority === claim.priority);
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
    const lastWord = isOutranked ? [advert(claim)] : [];
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

/** Preempt_Mode; the address owner preempts regardless (RFC 9568 §6.1). */
function preempts(config: ElectionConfig, claim: StandingClaim): boolean {
  return config.preempts || claim.priority === 255;
}

/** After this time the sockets' queues have been read, and what they held has come in as events. */
const queueMs = 1;

/** Tells whether an active router has been silent for so long that a backup may have claimed: it slept. */
function mayBeReplaced(config: ElectionConfig, from: Active, at: Instant): boolean {
  // Its last advertisement was sent an interval before its deadline, and no backup waits for less than three.
  return from.mayBeReplaced || at > later(from.deadline, 2 * config.advertIntervalMs);
}

/** Tells whether this host slept through a deadline, and perhaps through the advertisements before it. */
function hasOverslept(from: Backup, at: Instant): boolean {
  // Only once, or a host that is always late would never claim.
  return !from.hasOverslept && at > later(from.deadline, from.activeIntervalMs);
}

/** Puts a deadline off for as long as it takes to hear an active router that is alive. */
function listenOnce(config: ElectionConfig, from: Backup, at: Instant): Backup {
  const { version } = config;
  const rules = { version, priority: from.claim.priority, intervalMs: from.activeIntervalMs };
  return { ...from, deadline: later(at, from.activeIntervalMs + skewMs(rules)), hasOverslept: true };
}

/** Keeps the beat of the advertisements, unless this host was late by a whole interval. */
function nextAdvert(config: ElectionConfig, deadline: Instant, at: Instant): Instant {
  const onBeat = later(deadline, config.advertIntervalMs);
  return onBeat > at ? onBeat : later(at, config.advertIntervalMs);
}

function reasonToClaim(from: Backup, at: Instant): string {
  const { heard } = from;
  if (heard === null) return `no advertisement heard for ${formatMs(at - from.since)}`;
  if (heard.verdict === "resigned") return `${heard.source} resigned`;
  const isOutranked = heard.verdict === "outranked" && at - heard.at <= 3 * from.activeIntervalMs;
  if (isOutranked) return `${heard.source} has priority ${heard.priority}, ours is ${from.claim.priority}`;
  return `no advertisement from ${heard.source} for ${formatMs(at - heard.at)}`;
}
