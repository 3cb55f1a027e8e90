/** A flow that can be made to end. */
export interface Endable {
  /** Ends it, and leaves the limit. */
  end(): void;
}

/** What happened at a full table since it was last told. */
export interface FullReport {
  /** How many flows there may be. */
  readonly most: number;
  /** Flows that were ended to make room. */
  readonly ended: number;
  /** Flows for which there was no room. */
  readonly refused: number;
}

const pauseMs = 60_000;

/**
 * PURE: how many flows a process may have open. When they are that many, a new one takes the place of the oldest whose client
 * has said nothing since the server's answer: a question that has its answer, or a forged sender's datagram. Flows that
 * go to and fro stay, as connections do that the kernel's connection tracking calls assured.
 */
export class FlowLimit<T extends Endable> {
  private readonly settled = new Set<T>();
  /** In the order of their beginning. */
  private readonly fresh = new Set<T>();
  private readonly now: () => number;
  private readonly tell: (report: FullReport) => void;
  private most = 0;
  private ended = 0;
  private refused = 0;
  private toldAt = Number.NEGATIVE_INFINITY;

  /** `now` gives milliseconds of the monotonic clock; `tell` hears of a full table, at once and then once a minute at most. */
  constructor({ now, tell }: { readonly now: () => number; readonly tell: (report: FullReport) => void }) {
    this.now = now;
    this.tell = tell;
  }

  /** Sets how many there may be; flows beyond that end one by one, as others begin. */
  setMost(most: number): void {
    this.most = most;
  }

  /** How many flows are open. */
  get size(): number {
    return this.fresh.size + this.settled.size;
  }

  /** Makes room for a new flow, by ending another if it must; false if there is none. */
  makeRoom(): boolean {
    while (this.size >= this.most) {
      const [oldest] = this.fresh;
      if (oldest === undefined) {
        this.refused += 1;
        this.report();
        return false;
      }
      this.fresh.delete(oldest);
      oldest.end();
      this.ended += 1;
      this.report();
    }
    return true;
  }

  /** Takes a new flow, for which there is room. */
  add(flow: T): void {
    this.fresh.add(flow);
  }

  /** Notes that a client went on after its server's answer. */
  settle(flow: T): void {
    if (this.fresh.delete(flow)) this.settled.add(flow);
  }

  /** Lets go of a flow that has ended. */
  leave(flow: T): void {
    this.fresh.delete(flow);
    this.settled.delete(flow);
  }

  private report(): void {
    const now = this.now();
    if (now - this.toldAt < pauseMs) return;
    this.toldAt = now;
    this.tell({ most: this.most, ended: this.ended, refused: this.refused });
    this.ended = 0;
    this.refused = 0;
  }
}
