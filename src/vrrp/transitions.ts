import { later, type Instant } from "../base/instant.ts";
import type {
  Active,
  Backup,
  Election,
  ElectionConfig,
  ElectionEffect,
  Fault,
  Heard,
  Initialize,
  Leaving,
  NoClaim,
  StandingClaim,
  Stepped,
} from "./election-types.ts";
import { activeDownMs, handoverMs, leaveMs } from "./timers.ts";

/** The transitions of an election and what each one takes: PURE. When they happen is decided in election.ts. */

/** After this time the sockets' queues have been read, and what they held has come in as events. */
export const queueMs = 1;

/** Makes a router hold the addresses. */
export function becomeActive(
  config: ElectionConfig,
  from: Initialize | Backup | Leaving | Fault,
  at: Instant,
  how: { readonly claim: StandingClaim; readonly reason: string },
): Stepped {
  const { claim, reason } = how;
  const deadline = later(at, config.advertIntervalMs);
  const next: Active = {
    state: "active",
    since: at,
    reason,
    claim,
    deadline,
    announcedAt: at,
    answeredAt: null,
    mayBeReplaced: false,
  };
  // The advertisement first: every backup that hears it stays where it is.
  return {
    next,
    effects: [advert(claim), { kind: "addAddresses" }, { kind: "announce" }, notify(from, next)],
  };
}

/** Makes a router take no part until its claim stands. */
export function becomeFault(
  from: Election,
  at: Instant,
  claim: NoClaim,
  farewell: readonly ElectionEffect[],
): Stepped {
  const next: Fault = { state: "fault", since: at, reason: claim.reason, claim };
  return { next, effects: [...farewell, notify(from, next)] };
}

/**
 * A rival that has just been answered gives way, and its last advertisement comes within this time. Whoever took it for a
 * takeover would leave the address without a holder.
 */
const lastWordMs = 2;

/** Resigns, and goes on answering until another router is heard: make before break. */
export function leave(
  config: ElectionConfig,
  from: Active,
  at: Instant,
  how: Pick<Leaving, "claim" | "reason" | "isStopping" | "isHandover">,
): Stepped {
  const { version, advertIntervalMs: intervalMs } = config;
  const rules = { version, intervalMs };
  const deadline = later(at, how.isHandover ? handoverMs(rules) : leaveMs(rules));
  const heedsFrom = from.answeredAt === null ? at : later(from.answeredAt, lastWordMs);
  const next: Leaving = { state: "leaving", since: at, deadline, heedsFrom, successor: null, ...how };
  // Nothing more is said after this: any other word of ours would put the backups' timers back.
  return { next, effects: [resign, notify(from, next)] };
}

/** Takes the addresses off, as another has them now or nobody wants them. */
export function depart(config: ElectionConfig, from: Leaving, at: Instant, why: string): Stepped {
  const farewell: ElectionEffect = { kind: "removeAddresses" };
  const { claim } = from;
  if (from.isStopping) return stop(from, at, `${from.reason}; ${why}`, [farewell]);
  if (claim.kind !== "standing") return becomeFault(from, at, claim, [farewell]);
  const next = listening(config, at, { claim, reason: afterLeaving(from, why), heard: null });
  return { next, effects: [farewell, notify(from, next)] };
}

/** Says why a router does something else than leave in the end. */
export function afterLeaving({ reason, isHandover }: Leaving, why: string): string {
  return isHandover ? `${reason}; ${why}` : `no longer: ${reason}; ${why}`;
}

/** Ends an election. */
export function stop(
  from: Election,
  at: Instant,
  reason: string,
  farewell: readonly ElectionEffect[],
): Stepped {
  const next: Initialize = { state: "initialize", since: at, reason };
  return { next, effects: [...farewell, notify(from, next)] };
}

/** Makes a backup that waits a whole Active_Down_Interval. */
export function listening(
  config: ElectionConfig,
  at: Instant,
  how: {
    readonly claim: StandingClaim;
    readonly reason: string;
    readonly heard: Heard | null;
    readonly activeIntervalMs?: number;
  },
): Backup {
  const { claim, reason, heard } = how;
  const activeIntervalMs =
    config.version === 3 ? (how.activeIntervalMs ?? config.advertIntervalMs) : config.advertIntervalMs;
  const next: Backup = {
    state: "backup",
    since: at,
    reason,
    claim,
    deadline: at,
    activeIntervalMs,
    heard,
    preemptsFrom: null,
    hasOverslept: false,
    isHeld: false,
    lost: null,
  };
  return rearm(config, next, at);
}

/** Sets Active_Down_Timer to Active_Down_Interval, which does not begin before the start-up delay is over. */
export function rearm(config: ElectionConfig, backup: Backup, at: Instant): Backup {
  const { version, downAfter, claimsFrom } = config;
  const { activeIntervalMs: intervalMs, claim } = backup;
  const downMs = activeDownMs({ version, downAfter, priority: skewPriority(claim), intervalMs });
  const from = at < claimsFrom ? claimsFrom : at;
  return { ...backup, deadline: later(from, downMs), hasOverslept: false, isHeld: false, lost: null };
}

/** Sets Adver_Timer after an advertisement out of turn. */
export function asserted(config: ElectionConfig, active: Active, at: Instant): Active {
  return { ...active, deadline: later(at, config.advertIntervalMs), mayBeReplaced: false };
}

/** Sends an advertisement with the claim's priority. */
export function advert(claim: StandingClaim): ElectionEffect {
  return { kind: "sendAdvert", priority: claim.priority };
}

/** Tells of a change of state. */
export function notify(from: Election, next: Election): ElectionEffect {
  return { kind: "notify", from: from.state, to: next.state, reason: next.reason };
}

/** Tells whether a claim is what it was. */
export function isSameClaim(a: StandingClaim, b: StandingClaim): boolean {
  return a.priority === b.priority && a.source === b.source && a.skewPriority === b.skewPriority;
}

/** Gives the priority by which a claim waits for its turn. */
export function skewPriority(claim: StandingClaim): number {
  return claim.skewPriority ?? claim.priority;
}

/** Leaves everything as it is. */
export function unchanged(election: Election): Stepped {
  return { next: election, effects: [] };
}

/** Says that this router resigns. */
export const resign: ElectionEffect = { kind: "sendAdvert", priority: 0 };
