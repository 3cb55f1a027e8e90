import type { CachePlan } from "../../config/content-plan.ts";
import { httpDate } from "../content/conditions.ts";
import type { RequestDirectives, ResponseDirectives } from "./cache-control.ts";

/** PURE: the arithmetic of RFC 9111 §4.2; times in milliseconds. */

/** Gives a field's value by its name in lower case; null if there is none. */
export type FieldValue = (name: string) => string | null;

/** How long a stored response is of use. */
export interface Lifetime {
  /** Until this age it is fresh. */
  readonly freshMs: number;
  /** So much longer it may be shown while it is asked for anew (RFC 5861 §3). */
  readonly whileRevalidateMs: number;
  /** So much longer it may be shown in place of an error (RFC 5861 §4). */
  readonly ifErrorMs: number;
  /** RFC 9111 §5.2.2.4: never shown without asking. */
  readonly asksAlways: boolean;
  /** RFC 9111 §4.2.4: never shown stale. */
  readonly neverStale: boolean;
}

/** Gives the lifetime of a response, by what it says or else by the plan; heuristics are off. */
export function lifetimeOf(said: ResponseDirectives, value: FieldValue, plan: CachePlan): Lifetime {
  const freshMs = freshnessMs(said, value) ?? plan.ttlMs;
  // RFC 9111 §5.2.2.10: s-maxage includes what proxy-revalidate says.
  const neverStale = said.mustRevalidate || said.noCache || said.sharedMaxAgeS !== null;
  const extra = (saidS: number | null, planMs: number): number => {
    if (saidS !== null) return said.mustRevalidate || said.noCache ? 0 : saidS * 1000;
    return neverStale ? 0 : planMs;
  };
  return {
    freshMs: said.noCache ? 0 : freshMs,
    whileRevalidateMs: extra(said.staleWhileRevalidateS, plan.staleWhileRevalidateMs),
    ifErrorMs: extra(said.staleIfErrorS, plan.staleIfErrorMs),
    asksAlways: said.noCache,
    neverStale,
  };
}

/** RFC 9111 §4.2.1; null if the response says nothing. */
function freshnessMs({ maxAgeS, sharedMaxAgeS }: ResponseDirectives, value: FieldValue): number | null {
  const seconds = sharedMaxAgeS ?? maxAgeS;
  if (seconds !== null) return seconds * 1000;
  const expires = value("expires");
  if (expires === null) return null;
  const until = httpDate(expires); // RFC 9111 §5.3: what is no date has expired
  const date = httpDate(value("date") ?? "");
  return until === null || date === null ? 0 : Math.max(0, until - date);
}

/** Gives the age that a response had when it came (RFC 9111 §4.2.3); `nowMs` is Unix time. */
export function initialAgeMs(value: FieldValue, nowMs: number, delayMs: number): number {
  const date = httpDate(value("date") ?? "");
  const apparent = date === null ? 0 : Math.max(0, nowMs - date);
  const said = /^\s*(\d{1,10})/.exec(value("age") ?? "")?.[1];
  return Math.max(apparent, Number(said ?? 0) * 1000 + delayMs);
}

/** What of a stored response a request may have at once. */
export type Usability = "fresh" | "while-revalidating" | "ask";

/** Tells whether a response of an age answers a request (RFC 9111 §4.2, §5.2.1). */
export function usability(lifetime: Lifetime, ageMs: number, asked: RequestDirectives): Usability {
  if (lifetime.asksAlways || asked.noCache) return "ask";
  if (asked.maxAgeS !== null && ageMs > asked.maxAgeS * 1000) return "ask";
  const leftMs = lifetime.freshMs - ageMs;
  if (leftMs > 0 && leftMs >= (asked.minFreshS ?? 0) * 1000) return "fresh";
  if (asked.minFreshS !== null) return "ask";
  if (!lifetime.neverStale && asked.maxStaleS !== null && -leftMs <= asked.maxStaleS * 1000) return "fresh";
  return -leftMs < lifetime.whileRevalidateMs ? "while-revalidating" : "ask";
}

/** Tells whether a stale response of an age may stand in place of an error. */
export function mayReplaceError({ freshMs, ifErrorMs }: Lifetime, ageMs: number): boolean {
  return ifErrorMs > 0 && ageMs - freshMs < ifErrorMs;
}
