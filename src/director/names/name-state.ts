import { later, type Instant } from "../../base/instant.ts";
import type { FoundServer, LookupPlan } from "../../config/lookup-plan.ts";
import { inOrder, type Finding } from "./finding.ts";

/**
 * What is known of one name, and when it is to be looked up next. PURE.
 *
 *     unknown ── found ──► known ── its time is over, found ──► known
 *        └─ none, failed     └─ none, failed: kept, and asked again soon ── for too long ──► nothing
 */
export interface NameState {
  readonly servers: readonly FoundServer[];
  /** Whether it was ever found. */
  readonly isKnown: boolean;
  /** How many servers more there are than are used. */
  readonly leftOut: number;
  /** Until when what was found holds; null if nothing was. */
  readonly validUntil: Instant | null;
  readonly askAt: Instant;
  /** Lookups in a row that did not find everything. */
  readonly failures: number;
  /** Why the last one did not; null if it did. */
  readonly complaint: string | null;
}

const firstRetryMs = 1_000;
const lastRetryMs = 10_000;
/** What is not there is asked for again after this, however long it is said to be away. */
const longestAbsenceMs = 30_000;
/** And after this if nothing is said. */
const usualAbsenceMs = 5_000;

/** A name of which nothing is known. */
export function unknownName(now: Instant): NameState {
  return {
    servers: [],
    isKnown: false,
    leftOut: 0,
    validUntil: null,
    askAt: now,
    failures: 0,
    complaint: null,
  };
}

/** A name as an earlier process knew it: good until it is looked up, which is at once. */
export function adoptedName(servers: readonly FoundServer[], now: Instant): NameState {
  return { ...unknownName(now), servers, isKnown: true, validUntil: now };
}

/** Takes what a lookup came to. */
export function heard(state: NameState, finding: Finding, plan: LookupPlan, now: Instant): NameState {
  const { keepMs, maxTtlMs, minTtlMs, mostServers } = plan;
  if (finding.kind === "found") {
    const { complaint } = finding;
    const all = inOrder(finding.servers);
    const ttlMs = Math.min(Math.max(finding.ttlMs, minTtlMs), maxTtlMs);
    const failures = complaint === null ? 0 : state.failures + 1;
    const retryMs = complaint === null ? ttlMs : Math.min(ttlMs, retryDelayMs(failures));
    return {
      servers: all.slice(0, mostServers),
      isKnown: true,
      leftOut: Math.max(0, all.length - mostServers),
      validUntil: later(now, ttlMs),
      askAt: later(now, retryMs),
      failures,
      complaint,
    };
  }
  const failures = state.failures + 1;
  const delayMs =
    finding.kind === "none"
      ? Math.min(Math.max(finding.ttlMs ?? usualAbsenceMs, minTtlMs), longestAbsenceMs)
      : retryDelayMs(failures);
  const askAt = later(now, delayMs);
  const failed = { ...state, failures, complaint: finding.reason, askAt };
  if (keepMs === null || state.validUntil === null) return failed;
  const keptUntil = later(state.validUntil, keepMs);
  if (now >= keptUntil) return { ...failed, servers: [], leftOut: 0 };
  return keptUntil < askAt ? { ...failed, askAt: keptUntil } : failed;
}

function retryDelayMs(failures: number): number {
  return Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 10));
}
