/** Bytes of bodies that are worked on in one turn of the event loop, of all responses together: about 1 ms. */
export const portionBytes: number = 64 * 1024;
/** A turn that has less left is over, unless that is all that somebody wants: each portion costs a few bytes more. */
const leastBytes = 8 * 1024;

/** Whoever waits for a later turn. */
export interface TurnTaker {
  /** It is first now: it takes again, as often as it likes. */
  itsTurn(): void;
}

/** Parts long work among the turns of the event loop, so that others are served in between; who came first is first. */
export class Turns {
  private readonly later: (act: () => void) => void;
  private readonly waiting = new Set<TurnTaker>();
  private left = portionBytes;
  private isCounting = false;
  /** Whose turn it is, and whether that wants another. */
  private current: TurnTaker | null = null;
  private goesOn = false;

  /** `later` calls back in the next turn, after what has arrived by then. */
  constructor(later: (act: () => void) => void = setImmediate) {
    this.later = later;
  }

  /** Gives how many of these bytes may be worked on in this turn; if none, it will be the taker's turn later. */
  take(bytes: number, taker: TurnTaker): number {
    const isFirst = this.current !== null || this.waiting.size === 0;
    const share = isFirst ? this.fitting(bytes) : 0;
    if (share === 0) this.wait(taker);
    else this.spend(share);
    return share;
  }

  /** Has it wait for its turn. */
  wait(taker: TurnTaker): void {
    this.goesOn ||= taker === this.current;
    this.waiting.add(taker);
    this.spend(0);
  }

  /** Counts what was worked on without asking. */
  spend(bytes: number): void {
    this.left -= bytes;
    if (this.isCounting) return;
    this.isCounting = true;
    this.later(() => this.begin());
  }

  /** Whether it waits for its turn. */
  has(taker: TurnTaker): boolean {
    return this.waiting.has(taker);
  }

  /** It wants none any more. */
  leave(taker: TurnTaker): void {
    this.waiting.delete(taker);
  }

  private fitting(bytes: number): number {
    if (bytes <= this.left) return bytes;
    return this.left < leastBytes ? 0 : this.left;
  }

  private begin(): void {
    this.isCounting = false;
    this.left = portionBytes;
    try {
      this.giveTurns();
    } finally {
      this.current = null;
      if (this.waiting.size > 0) this.spend(0);
    }
  }

  private giveTurns(): void {
    for (const taker of this.waiting) {
      if (this.left < leastBytes) return;
      this.goesOn = false;
      this.current = taker;
      try {
        taker.itsTurn();
      } catch (error) {
        // It would throw again, before all others, in each turn.
        this.waiting.delete(taker);
        throw error;
      }
      // It stays the first until it is done: what a coder works with is in the processor's cache.
      if (this.goesOn) return;
      this.waiting.delete(taker);
    }
  }
}

/** Those of this process. */
export const turns: Turns = new Turns();
