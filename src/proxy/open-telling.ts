import type { OpenNews } from "../ipc/open-news.ts";
import { OpenCounts } from "./open-counts.ts";

/** Others hear this late of what was opened: what a client gains by that is small beside what it costs to ask them. */
const gatherMs = 100;

/** Keeps the other processes told of what this one has open, while there are any. */
export class OpenTelling {
  readonly counts: OpenCounts = new OpenCounts();
  private readonly tell: (news: OpenNews) => void;
  private timer: Timer | null = null;
  private isSoon = false;

  constructor(tell: (news: OpenNews) => void) {
    this.tell = tell;
  }

  /** Begins to tell, or ceases. */
  share(isShared: boolean): void {
    if (isShared === (this.timer !== null)) return;
    this.counts.restart();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = isShared ? setInterval(() => this.say(this.counts.news(performance.now())), gatherMs) : null;
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

  private say(news: Omit<OpenNews, "from"> | null): void {
    if (news !== null) this.tell({ from: process.pid, ...news });
  }
}
