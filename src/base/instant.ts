declare const instantBrand: unique symbol;

/** A point on this host's monotonic clock, in milliseconds with a fraction; never a time of day. */
export type Instant = number & { readonly [instantBrand]: "Instant" };

/** Names a number of milliseconds as an instant. */
export function instant(ms: number): Instant {
  return ms as Instant;
}

/** Gives the instant `ms` milliseconds after `start`. */
export function later(start: Instant, ms: number): Instant {
  return (start + ms) as Instant;
}
