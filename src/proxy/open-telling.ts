import type { OpenNews } from "../ipc/open-news.ts";
import { OpenCounts } from "./open-counts.ts";

/** Others hear this late of what was opened: what a client gains by that is small beside what it costs to ask them. */
const gatherMs = 100;

/** Keeps the other processes told of what this one has open, while there are any. */
export class OpenTelling {
  readonly counts: OpenCounts = new OpenCounts();
  private readonly tell: (news: OpenNews) => void;
  private readonly onTurn: (now: number) => void;
  private timer: Timer | null = null;
  private isSoon = false;

  /** `onTurn` is called each time before something is told. */
  constructor(tell: (news: OpenNews) => void, onTurn: (now: number) => void) {
    this.tell = tell;
    this.onTurn = onTurn;
  }

  /** Begins to tell, or ceases. */
  share(isShared: boolean): void {
    if (isShared === (this.timer !== null)) return;
    this.counts.restart();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = isShared ? setInterval(() => this.turn(), gatherMs) : null;
  }

  /** Tells of room there is again, at the end of this turn: somebody may be refused for want of it. */
  roomMade(): void {
    if (this.isSoon || this.timer === null) return;
    this.isSoon = true;
    setImmediate(() => {
      this.isSoon = false;
      if (this.timer !== null) this.say(this.counts.room());
    });
  }

  private turn(): void {
    const now = performance.now();
    this.onTurn(now);
    this.say(this.counts.news(now));
  }

  private say(news: Omit<OpenNews, "from"> | null): void {
    if (news !== null) this.tell({ from: process.pid, ...news });
  }
}
