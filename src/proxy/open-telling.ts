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

  private turn(): void {
    const now = performance.now();
    this.onTurn(now);
    const news = this.counts.news(now);
    if (news !== null) this.tell({ from: process.pid, ...news });
  }
}
