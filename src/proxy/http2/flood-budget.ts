/** Frames that cost the client little and us something: so many may come at once, and so many a second after that. */
const burst = 1_000;
const perSecond = 200;

/**
 * Counts what a client may send without an end: resets of its own requests (CVE-2023-44487), PING, SETTINGS, empty DATA,
 * PRIORITY. Real clients stay far below.
 */
export class FloodBudget {
  private left = burst;
  private at: number;

  constructor(now: number) {
    this.at = now;
  }

  /** Takes one; false if there is none left. `now` is in milliseconds of the monotonic clock. */
  take(now: number): boolean {
    this.left = Math.min(burst, this.left + ((now - this.at) * perSecond) / 1000);
    this.at = now;
    this.left -= 1;
    return this.left >= 0;
  }
}
