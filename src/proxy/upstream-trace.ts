/** What became of one server that was asked. */
interface Try {
  readonly address: string;
  readonly startedAt: number;
  connectedAt: number | null;
  headAt: number | null;
  endedAt: number | null;
  /** 0 while it is not known, and for good where a server never answered. */
  status: number;
}

/** Which servers a request was taken to, and when each step was done; kept only where a log format asks for it. */
export class UpstreamTrace {
  private readonly tries: Try[] = [];
  private readonly now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** How many servers were asked. */
  get count(): number {
    return this.tries.length;
  }

  /** A server was chosen. */
  began(address: string): void {
    this.ended(502);
    this.tries.push({
      address,
      startedAt: this.now(),
      connectedAt: null,
      headAt: null,
      endedAt: null,
      status: 0,
    });
  }

  /** A server that was asked beside the last one is heard from now on; the times are `performance.now()`. */
  joined(address: string, startedAt: number, connectedAt: number | null): void {
    this.tries.push({ address, startedAt, connectedAt, headAt: null, endedAt: null, status: 0 });
  }

  /** Another server has answered before the last one, which is not heard any more. */
  overtaken(): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.endedAt = this.now();
  }

  /** There is a connection, keys and all. */
  connected(): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.connectedAt = this.now();
  }

  /** The head of its response has come. */
  answered(status: number): void {
    const last = this.tries.at(-1);
    if (last === undefined) return;
    last.headAt = this.now();
    last.status = status;
  }

  /** Nothing more comes of the last one; `status` counts where it said none. */
  ended(status: number): void {
    const last = this.tries.at(-1);
    if (last === undefined || last.endedAt !== null) return;
    last.endedAt = this.now();
    if (last.status === 0) last.status = status;
  }

  /** The servers, as nginx lists them: `192.0.2.8:80, 192.0.2.9:80`. */
  get addresses(): string {
    return this.tries.map(({ address }) => address).join(", ");
  }

  get statuses(): string {
    return this.tries.map(({ status }) => (status === 0 ? "-" : String(status))).join(", ");
  }

  /** Seconds until there was a connection. */
  get connectTimes(): string {
    return this.seconds(({ connectedAt }) => connectedAt);
  }

  /** Seconds until the head of the response had come. */
  get headerTimes(): string {
    return this.seconds(({ headAt }) => headAt);
  }

  /** Seconds until the response had come, or none was waited for any more. */
  get responseTimes(): string {
    return this.seconds(({ endedAt }) => endedAt);
  }

  /** Seconds from `since` until the first server was chosen. */
  queueTime(since: number): string {
    const first = this.tries[0];
    return first === undefined ? "" : inSeconds(first.startedAt - since);
  }

  private seconds(at: (one: Try) => number | null): string {
    return this.tries
      .map((one) => {
        const time = at(one);
        return time === null ? "-" : inSeconds(time - one.startedAt);
      })
      .join(", ");
  }
}

/** Writes milliseconds as seconds with three digits behind the point. */
export function inSeconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}
