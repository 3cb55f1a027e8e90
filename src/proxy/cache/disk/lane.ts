/** Something to do with a disk. It says itself what goes wrong. */
type Job = () => Promise<void>;

/** Does jobs one after the other, some at a time, as the threads that wait for a disk are few. */
export class Lane {
  private readonly width: number;
  private readonly most: number;
  private readonly waiting: Job[] = [];
  /** When those that run began, in milliseconds of the monotonic clock. */
  private readonly running = new Set<{ readonly since: number }>();

  /** `most` wait at most. */
  constructor(width: number, most: number) {
    this.width = width;
    this.most = most;
  }

  /** Whether nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.running.size === 0;
  }

  /** For how long the oldest of what runs has run, in milliseconds; 0 if nothing does. */
  heldUpMs(now: number): number {
    let longest = 0;
    for (const { since } of this.running) longest = Math.max(longest, now - since);
    return longest;
  }

  /** Does a job when it is its turn; false if too many wait already. */
  add(job: Job): boolean {
    if (this.running.size < this.width) {
      void this.run(job);
      return true;
    }
    if (this.waiting.length >= this.most) return false;
    this.waiting.push(job);
    return true;
  }

  /** Does a job when it is its turn, however many wait. */
  insist(job: Job): void {
    if (!this.add(job)) this.waiting.push(job);
  }

  private async run(first: Job): Promise<void> {
    for (let job: Job | undefined = first; job !== undefined; job = this.waiting.shift()) {
      const mark = { since: performance.now() };
      this.running.add(mark);
      await job();
      this.running.delete(mark);
    }
  }
}
