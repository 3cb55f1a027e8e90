import { describe, expect, test } from "bun:test";
import { OpenCounts } from "../../../src/proxy/open-counts.ts";
import { OpenElsewhere } from "../../../src/proxy/open-elsewhere.ts";
import { costs, LeastCost } from "../../../src/proxy/selection/least-cost.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const caller = { clientAddress: "192.0.2.1", clientPort: 1, localAddress: "" };

class FakeServer {
  readonly isUp = true;
  readonly isFull = false;
  readonly isBackup = false;
  readonly weight = 1;
  readonly elsewhere: OpenElsewhere = new OpenElsewhere();
  readonly key: string;
  own = 0;

  constructor(key: string) {
    this.key = key;
  }

  get activeConnections(): number {
    return this.elsewhere.with(this.own);
  }
}

interface FakeProcess {
  readonly counts: OpenCounts;
  readonly servers: readonly FakeServer[];
  readonly next: () => FakeServer | null;
}

function fakeProcess(random: () => number, keys: readonly string[]): FakeProcess {
  const servers = keys.map((key) => new FakeServer(key));
  const scheduler = new LeastCost(servers, costs.wlc, Math.trunc(random() * servers.length));
  return { counts: new OpenCounts(), servers, next: () => scheduler.next(caller, null) };
}

/** What happens in the processes each tenth of a second, a word of which may be on its way until the next time. */
function exchange(processes: readonly FakeProcess[], now: number): void {
  for (const { counts, servers } of processes)
    for (const { elsewhere, key, own } of servers) {
      counts.set(key, own);
      elsewhere.take(counts.othersCount(key, now), own, processes.length);
    }
  for (const [from, { counts }] of processes.entries()) {
    const news = counts.news(now);
    if (news !== null)
      for (const other of processes) if (other.counts !== counts) other.counts.heard({ from, ...news }, now);
  }
}

function loads(processes: readonly FakeProcess[]): readonly number[] {
  const [first] = processes;
  return (first?.servers ?? []).map((_, at) =>
    processes.reduce((sum, { servers }) => sum + (servers[at]?.own ?? 0), 0),
  );
}

describe("OpenElsewhere", () => {
  test("of one process is what it has itself", () => {
    expect(new OpenElsewhere().with(3)).toBe(3);
  });

  test("takes it until it is told again that the others have done the same", () => {
    const open = new OpenElsewhere();
    open.take(10, 4, 3);
    expect([open.with(4), open.with(5), open.with(3), open.with(0)]).toEqual([14, 17, 11, 2]);
  });

  test("has servers filled alike by processes that see few requests each", () => {
    const random = seededRandom(11);
    const processes = Array.from({ length: 4 }, () => fakeProcess(random, ["a", "b", "c", "d", "e", "f"]));
    // Each process has a request for a while now and then: by itself it would begin anywhere each time.
    for (let turn = 0; turn < 60; turn++) {
      const server = processes[turn % 4]?.next();
      if (server) server.own += 1;
      exchange(processes, turn * 100);
      exchange(processes, turn * 100 + 50);
    }
    expect(loads(processes)).toEqual([10, 10, 10, 10, 10, 10]);
  });

  test("does not swing, however many requests come between two words of the others", () => {
    const random = seededRandom(12);
    const processes = Array.from({ length: 8 }, () => fakeProcess(random, ["a", "b", "c", "d"]));
    // One server has just come up beside three that are busy.
    for (const { servers } of processes)
      for (const [at, server] of servers.entries()) server.own = at === 3 ? 0 : 25;
    for (let turn = 0; turn < 100; turn++) {
      exchange(processes, turn * 100);
      for (const { next, servers } of processes)
        for (let request = 0; request < 40; request++) {
          const ends = servers[Math.trunc(random() * 4)];
          const server = next();
          if (server === null || ends === undefined || ends.own === 0) continue;
          server.own += 1;
          ends.own -= 1;
        }
    }
    const all = loads(processes);
    expect(Math.max(...all) - Math.min(...all)).toBeLessThan(40);
  });
});
