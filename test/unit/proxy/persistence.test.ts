import { describe, expect, test } from "bun:test";
import type { RelayPlan } from "../../../src/config/node-plan.ts";
import type { ClientNote } from "../../../src/ipc/client-book.ts";
import { Persistence } from "../../../src/proxy/persistence.ts";
import type { Caller, RelayCandidate, Scheduler } from "../../../src/proxy/selection/scheduler.ts";

interface Server extends RelayCandidate {
  weight: number;
  isUp: boolean;
  isFull: boolean;
}

const plan: RelayPlan = {
  name: "web",
  udp: null,
  sockets: [],
  scheduler: "wlc",
  schedulerFlags: [],
  persistenceS: 100,
  persistencePrefix: { ipv4: 24, ipv6: 64 },
  connectTimeoutMs: 1_000,
  proxyProtocol: null,
  sorry: null,
  startsDown: false,
  servers: [],
};

function caller(clientAddress: string): Caller {
  return { clientAddress, clientPort: 4000, localAddress: "192.0.2.1" };
}

/** A process with its own knowledge of the same servers. */
function processOf(clock: { now: number }): {
  readonly told: ClientNote[];
  readonly persistence: Persistence;
  readonly servers: readonly Server[];
  readonly scheduler: Scheduler<Server>;
} {
  const told: ClientNote[] = [];
  const persistence = new Persistence("web", { now: () => clock.now, tell: (note) => void told.push(note) });
  persistence.configure(plan);
  const servers = ["a", "b", "c"].map((key) => ({
    key,
    weight: 1,
    activeConnections: 0,
    isUp: true,
    isFull: false,
    isBackup: false,
  }));
  return { told, persistence, servers, scheduler: persistence.scheduler(servers) };
}

function only<T>(list: readonly T[]): T {
  const [one] = list;
  if (one === undefined || list.length !== 1) throw new Error(`${list.length} in place of one`);
  return one;
}

describe("persistence", () => {
  test("keeps a client where it went when its first choice comes back, until its time is over", () => {
    const clock = { now: 0 };
    const { scheduler } = processOf(clock);
    const first = scheduler.next(caller("198.51.100.7"), null);
    if (first === null) throw new Error("unreachable");
    first.isUp = false;
    const second = scheduler.next(caller("198.51.100.7"), null);
    expect(second).not.toBe(first);
    first.isUp = true;
    for (let visit = 0; visit < 10; visit++) {
      clock.now += 99_000;
      expect(scheduler.next(caller("198.51.100.7"), null)).toBe(second);
    }
    clock.now += 126_000;
    expect(scheduler.next(caller("198.51.100.7"), null)).toBe(first);
  });

  test("keeps clients of one network together", () => {
    const { scheduler } = processOf({ now: 0 });
    for (const prefix of ["198.51.100.", "203.0.113.", "2001:db8:0:1::", "2001:db8:0:2::"]) {
      const servers = Array.from({ length: 9 }, (_, host) =>
        scheduler.next(caller(`${prefix}${host + 1}`), null),
      );
      expect(new Set(servers).size).toBe(1);
    }
  });

  test("keeps a known client at a server that takes no new ones, but not at one that refuses", () => {
    const { scheduler } = processOf({ now: 0 });
    const server = scheduler.next(caller("198.51.100.7"), null);
    if (server === null) throw new Error("unreachable");
    server.weight = 0;
    server.isFull = true;
    expect(scheduler.next(caller("198.51.100.8"), null)).toBe(server);
    expect(scheduler.next(caller("198.51.100.8"), [server])).not.toBe(server);
  });

  test("tells other processes once in a while, and believes them", () => {
    const clock = { now: 0 };
    const [one, other] = [processOf(clock), processOf(clock)];
    const first = one.scheduler.next(caller("198.51.100.7"), null);
    expect(one.told.map(({ client }) => client)).toEqual(["198.51.100.0"]);
    clock.now = 20_000;
    one.scheduler.next(caller("198.51.100.7"), null);
    expect(one.told).toHaveLength(1);
    clock.now = 30_000;
    one.scheduler.next(caller("198.51.100.7"), null);
    expect(one.told).toHaveLength(2);

    if (first !== null) first.isUp = false;
    const second = one.scheduler.next(caller("198.51.100.7"), null);
    other.persistence.heard(only(one.told.slice(2)));
    expect(other.scheduler.next(caller("198.51.100.7"), null)?.key).toBe(second?.key ?? "");
  });

  test("chooses anew where a note names a server that a reload has removed", () => {
    const { persistence, servers, scheduler } = processOf({ now: 0 });
    const server = scheduler.next(caller("198.51.100.7"), null);
    const left = servers.filter((one) => one !== server);
    const next = persistence.scheduler(left).next(caller("198.51.100.7"), null);
    expect(left.some((one) => one === next)).toBe(true);
  });
});
