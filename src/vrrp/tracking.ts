import type { ServersTrackPlan, TrackEffect } from "../config/track-plan.ts";
import type { Claim } from "./election-types.ts";

/** What lowers or withdraws an instance's claim: PURE. */

/** A track's standing verdict and the results that speak against it. */
export interface Tally {
  readonly isUp: boolean;
  /** Results in a row that contradict `isUp`. */
  readonly against: number;
  /** Whether any result has come yet. */
  readonly isSettled: boolean;
}

/** How many results in a row turn the verdict. */
export interface TallyRule {
  readonly rise: number;
  readonly fall: number;
}

/** Gives the tally before any result: `isUp`, and the first result counts by itself unless `isAdopted`. */
export function freshTally(isAdopted: boolean, isUp = true): Tally {
  // After a crash of this process the address must not move for a single bad result.
  return { isUp, against: 0, isSettled: isAdopted };
}

/** Adds one result. */
export function tally(current: Tally, rule: TallyRule, hasSucceeded: boolean): Tally {
  if (!current.isSettled) return { isUp: hasSucceeded, against: 0, isSettled: true };
  if (hasSucceeded === current.isUp) return { ...current, against: 0 };
  const against = current.against + 1;
  const needed = current.isUp ? rule.fall : rule.rise;
  return against < needed ? { ...current, against } : { isUp: !current.isUp, against: 0, isSettled: true };
}

/** Something that speaks for or against a claim; `weight` is added to the priority, null withdraws the claim. */
export interface Burden {
  /** Identity: the same burden counts once even if several members of a sync group carry it. */
  readonly name: string;
  readonly weight: number | null;
  readonly reason: string;
  /** Whether it says what the operator wants, and not that something fails. */
  readonly isByHand?: boolean;
}

/** Everything one instance's claim is made of. */
export interface Standing {
  readonly basePriority: number;
  readonly source: string | null;
  /** Why the interface cannot be used, or null. */
  readonly cutOff: string | null;
  readonly burdens: readonly Burden[];
}

/** A claim with its reasons. */
export interface WeighedClaim {
  readonly claim: Claim;
  /** What is shown to the operator, such as `check-uplink fails: −10`. */
  readonly claims: readonly string[];
  /** Whether nothing but the operator's own hand withdraws it. */
  readonly isByHand?: boolean;
}

/** Adds everything up; the address owner's priority stays 255 (RFC 9568 §5.2.4) until its claim is withdrawn. */
export function weighClaim(standing: Standing): WeighedClaim {
  const { basePriority, source, cutOff } = standing;
  const burdens = uniqueBurdens(standing.burdens);
  const claims = burdens.map(describeBurden);
  if (cutOff !== null) return { claim: { kind: "cut-off", reason: cutOff }, claims: [cutOff, ...claims] };
  if (source === null) {
    const reason = "no source address";
    return { claim: { kind: "cut-off", reason }, claims: [reason, ...claims] };
  }
  const withdrawing = burdens.filter((burden) => burden.weight === null);
  const [first] = withdrawing;
  if (first !== undefined) {
    const isByHand = withdrawing.every((burden) => burden.isByHand === true);
    const claim = { kind: "withdrawn", reason: first.reason } as const;
    return { claim, claims, ...(isByHand && { isByHand }) };
  }
  const sum = burdens.reduce((total, burden) => total + (burden.weight ?? 0), basePriority);
  const priority = basePriority === 255 ? 255 : Math.min(254, Math.max(1, sum));
  return { claim: { kind: "standing", priority, source }, claims };
}

function describeBurden({ weight, reason }: Burden): string {
  if (weight === null) return `${reason}: claim withdrawn`;
  return `${reason}: ${weight < 0 ? "−" : "+"}${Math.abs(weight)}`;
}

function uniqueBurdens(burdens: readonly Burden[]): readonly Burden[] {
  return [...new Map(burdens.map((burden) => [burden.name, burden])).values()];
}

/** How a tracked thing looks; `text` reads like `exit status 1`. */
export interface Sight {
  readonly isUp: boolean;
  readonly text: string;
}

/**
 * Gives what a track's verdict means for a claim: a weight below 0 is added while it fails, one above 0 while it is well,
 * and 0 withdraws the claim while it fails. What is not known (null) means nothing.
 */
export function verdictBurden(track: TrackEffect, sight: Sight | null): Burden | null {
  if (sight === null) return null;
  const { weight, reverse } = track;
  const isWell = sight.isUp !== reverse;
  if (isWell !== weight > 0) return null;
  const name = `track ${track.name}`;
  return { name, weight: weight === 0 ? null : weight, reason: `${name}: ${sight.text}` };
}

/** Counts the healthy servers behind a service: one that nothing is known of yet is neither; null while that decides. */
export function serversSight(
  track: Pick<ServersTrackPlan, "subject" | "servers" | "atLeast">,
  isUp: (probe: string) => boolean | null,
): Sight | null {
  const { subject, servers, atLeast } = track;
  const verdicts = servers.map(({ probe }) => probe === null || isUp(probe));
  const healthy = verdicts.filter((verdict) => verdict === true).length;
  const unknown = verdicts.filter((verdict) => verdict === null).length;
  if (healthy < atLeast && healthy + unknown >= atLeast) return null;
  const wanted = atLeast === 1 ? "" : `, ${atLeast} are wanted`;
  const text = `${subject} has ${healthy} of ${servers.length} servers healthy${healthy < atLeast ? wanted : ""}`;
  return { isUp: healthy >= atLeast, text };
}

/** A number that a tracked file holds, and what is wrong with its content if anything. */
export interface FileValue {
  readonly value: number;
  readonly complaint: string | null;
}

/** Reads a tracked file's content as keepalived does: a whole number; no file (null) and anything else count as 0. */
export function fileValue(content: string | null): FileValue {
  if (content === null) return { value: 0, complaint: null };
  const text = content.trim();
  if (/^[+-]?\d{1,9}$/.test(text)) return { value: Number(text), complaint: null };
  const what =
    text === "" ? "is empty" : `says ${JSON.stringify(text.slice(0, 32))}, which is no whole number`;
  return { value: 0, complaint: `${what}: counted as 0` };
}

/**
 * Gives what a tracked file's number adds to the priority: the number times the weight. Below −253 it withdraws the
 * claim, and with a weight of 0 every number but 0 does, both as in keepalived.
 */
export function fileBurden(
  track: { readonly name: string; readonly path: string; readonly weight: number },
  value: number,
): Burden | null {
  const product = value * track.weight;
  if (value === 0 || (product === 0 && track.weight !== 0)) return null;
  const weight = track.weight === 0 || product < -253 ? null : Math.min(253, product);
  const reason = `track ${track.name}: ${track.path} says ${value}`;
  return { name: `track ${track.name}`, weight, reason, isByHand: true };
}
