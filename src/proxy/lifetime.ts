/** How long connections to a server are used at most; endless is `Infinity`. */
export interface Lifetime {
  readonly mostRequests: number;
  readonly mostAgeMs: number;
}

/** Of connections that live as long as both ends like. */
export const endless: Lifetime = {
  mostRequests: Number.POSITIVE_INFINITY,
  mostAgeMs: Number.POSITIVE_INFINITY,
};

/** By how much of its age at most a connection is given up earlier, so that those begun together do not end together. */
const jitter = 0.1;

/** Gives when a connection that begins at `now` takes no more requests; `random` is from 0 to below 1. */
export function expiryOf({ mostAgeMs }: Lifetime, now: number, random: number): number {
  return now + mostAgeMs * (1 - jitter * random);
}
