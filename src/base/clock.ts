import { instant, type Instant } from "./instant.ts";

/** What the shells use instead of the runtime's own time, so that tests can turn it by hand. */
export interface Clock {
  /** Reads the monotonic clock. */
  now(): Instant;
  /** Reads the time of day, for logs, status and the timestamps of signed advertisements only. */
  wallTime(): Date;
  /** Calls `action` once at or after `at`; the result cancels it. */
  schedule(at: Instant, action: () => void): () => void;
}

/** The host's own clock; its timers have a resolution of about one millisecond and are never early. */
export const systemClock: Clock = {
  now: () => instant(performance.now()),
  wallTime: () => new Date(),
  schedule(at, action) {
    let timer: ReturnType<typeof setTimeout>;
    // The runtime's own timers fire up to half a millisecond too early (measured): whoever compares the time with a
    // deadline would find it not yet reached.
    const expire = (): void => {
      if (performance.now() >= at) action();
      else timer = setTimeout(expire, 1);
    };
    timer = setTimeout(expire, Math.max(0, at - performance.now()));
    return () => clearTimeout(timer);
  },
};
