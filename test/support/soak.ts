import { Crowd } from "./crowd.ts";
import { freePort, ProxyDriver, simplePlan, upstreamServer } from "./proxy-driver.ts";
import { RawServer } from "./raw-tcp.ts";

/** Memory of a proxy process over rounds of the same work, in MiB. */
export interface SoakReport {
  readonly requests: number;
  readonly aborted: number;
  /** What was resident when each round ended: with what waits to be collected, and the files that are mapped. */
  readonly resident: readonly number[];
  /** What was left of its own memory behind each round when all garbage was collected. */
  readonly kept: readonly number[];
}

const connections = 50;
const page = "x".repeat(2000);
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const half = "POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nhalf of it";

/** Serves requests and has others cut by their clients, in rounds. */
export class Soak implements AsyncDisposable {
  readonly driver: ProxyDriver;
  private readonly port: number;
  private readonly origin: RawServer;

  private constructor(driver: ProxyDriver, port: number, origin: RawServer) {
    this.driver = driver;
    this.port = port;
    this.origin = origin;
  }

  /**
   * Starts a proxy process. Its allocator leaves holes in what is partly in use, which come and go by some MiB; where `givesHolesBack` says so it
   * does not, so that little things can be seen to grow.
   */
  static async start(givesHolesBack: boolean): Promise<Soak> {
    const origin = new RawServer((connection, bytes) => {
      connection.received = ""; // it keeps nothing, or it would be the one that grows
      for (let at = bytes.indexOf("GET / "); at >= 0; at = bytes.indexOf("GET / ", at + 1))
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`);
      if (origin.connections.length > 2000) origin.connections.length = 0;
    });
    const port = freePort();
    const wrapper = givesHolesBack ? ["env", "MIMALLOC_PURGE_HOLES=1"] : [];
    const driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]), [], wrapper);
    return new Soak(driver, port, origin);
  }

  /** Does the work, and takes the memory of the process behind each round. */
  async rounds(o: {
    readonly rounds: number;
    readonly requests: number;
    readonly aborts: number;
  }): Promise<SoakReport> {
    const resident: number[] = [];
    const kept: number[] = [];
    for (let round = 0; round < o.rounds; round++) {
      await this.answered(o.requests / o.rounds);
      await this.aborted(o.aborts / o.rounds);
      resident.push(inMebibytes(this.driver.residentBytes()));
      kept.push(inMebibytes(await this.driver.keptBytes()));
    }
    return { requests: o.requests, aborted: o.aborts, resident, kept };
  }

  /** Serves requests, and leaves their garbage where it is. */
  async answered(requests: number): Promise<void> {
    await using crowd = await Crowd.open(this.port, connections);
    const pipelined = 20;
    for (let left = requests; left > 0; left -= connections * pipelined)
      await crowd.countAll(get.repeat(pipelined), pipelined * page.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await this.origin[Symbol.asyncDispose]();
  }

  private async aborted(requests: number): Promise<void> {
    for (let left = requests; left > 0; left -= connections * 5) {
      await using crowd = await Crowd.open(this.port, connections * 5);
      crowd.send(left % 500 === 0 ? half : get.replace("/", "/never"));
      await Bun.sleep(5); // so that some are amid a connect and some amid their body
    }
    for (let open = 1; open > 0;) open = (await this.driver.nextStatus()).connections;
  }
}

function inMebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}

/**
 * Gives how much the readings grow from the first to the last by their trend, and by how much they stray from it (the median). The trend is the
 * median of the slopes between all pairs (Theil and Sen), so that one reading at a bad moment does not decide.
 */
export function trendOf(readings: readonly number[]): { readonly growth: number; readonly spread: number } {
  const slopes = readings.flatMap((from, at) =>
    readings.slice(at + 1).map((to, further) => (to - from) / (further + 1)),
  );
  const slope = median(slopes);
  const level = median(readings.map((one, at) => one - slope * at));
  const spread = median(readings.map((one, at) => Math.abs(one - slope * at - level)));
  return { growth: slope * (readings.length - 1), spread };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
