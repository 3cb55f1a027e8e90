/**
 * Tells new advertisements from old ones by the timestamp under their signature. PURE: times come in as values.
 *
 * A stamp is a number of 64 bits: 32 of seconds since 1970, 16 of 65536ths, 16 of a counter. Stamps are compared as
 * RFC 1982 serial numbers, so that they go on past the end of their seconds (in 2106). What is recorded comes from
 * signed advertisements alone: nobody without a key can push a sender out of its slot.
 */

/** How old and how new a stamp may be. */
export interface ReplayRules {
  /** Allowed distance from our own clock; null is any, as long as stamps of one sender increase. */
  readonly windowMs: number | null;
}

/** What a stamp is: `skewMs` is how far the sender's clock is ahead of ours. */
export type Freshness =
  | { readonly kind: "fresh" }
  | { readonly kind: "replayed" }
  | { readonly kind: "stale"; readonly skewMs: number };

interface Slot {
  readonly sender: string;
  readonly stamp: bigint;
}

/**
 * More senders than this at a time are more than one virtual router has but in a storm. A router has an address on each
 * path, and each is a sender of its own: what was recorded on one path can be sent again on none.
 */
const mostSlots = 32;

/** The last stamp of each sender heard lately. */
export class ReplayWindow {
  /** Least recently used first. */
  #slots: readonly Slot[] = [];

  /** Judges a stamp whose signature is right, and records it if it is fresh. */
  admit(rules: ReplayRules, from: Slot, wallMs: number): Freshness {
    const skewMs = stampSkewMs(from.stamp, wallMs);
    if (!isWithin(rules, skewMs)) return { kind: "stale", skewMs };
    const last = this.#slots.find(({ sender }) => sender === from.sender);
    // A recorded stamp that our clock, set right since, puts outside the window itself is no measure any more.
    const isMeasure = last !== undefined && isWithin(rules, stampSkewMs(last.stamp, wallMs));
    if (isMeasure && !isLater(from.stamp, last.stamp)) return { kind: "replayed" };
    const others = this.#slots.filter(({ sender }) => sender !== from.sender);
    this.#slots = [...others, from].slice(-mostSlots);
    return { kind: "fresh" };
  }
}

/** Makes the stamp after `last`: the time of day, or where that has not moved on, one more than the last. */
export function nextStamp(last: bigint | null, wallMs: number, toleranceMs: number): bigint {
  const now = stampOf(wallMs);
  if (last === null || isLater(now, last)) return now;
  // Peers refuse what is too far ahead of their clocks: a clock that was set back further is followed.
  return stampSkewMs(last, wallMs) > toleranceMs ? now : BigInt.asUintN(64, last + 1n);
}

/** Gives the time of day as a stamp with a counter of 0. */
export function stampOf(wallMs: number): bigint {
  const fraction = Math.floor(((wallMs % 1000) * 65_536) / 1000);
  return BigInt.asUintN(64, (BigInt(Math.floor(wallMs / 1000)) << 32n) | (BigInt(fraction) << 16n));
}

/** RFC 1982 §3.2 with 64 bits; of two that are half the circle apart neither is later. */
export function isLater(a: bigint, b: bigint): boolean {
  return BigInt.asIntN(64, a - b) > 0n;
}

/** Gives how far a stamp is ahead of a time of day. */
export function stampSkewMs(stamp: bigint, wallMs: number): number {
  return (Number(BigInt.asIntN(64, stamp - stampOf(wallMs))) / 2 ** 32) * 1000;
}

function isWithin({ windowMs }: ReplayRules, skewMs: number): boolean {
  return windowMs === null || Math.abs(skewMs) <= windowMs;
}
