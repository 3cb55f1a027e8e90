import { describe, expect, test } from "bun:test";
import { array, assert, boolean, constantFrom, ipV4, nat, property, record } from "fast-check";
import type { RelayScheduler } from "../../../../src/config/node-plan.ts";
import type { SchedulerFlag } from "../../../../src/config/service-plan.ts";
import { makeScheduler } from "../../../../src/proxy/selection/make-scheduler.ts";
import { maglevTable } from "../../../../src/proxy/selection/maglev.ts";
import type { Caller, RelayCandidate } from "../../../../src/proxy/selection/scheduler.ts";

interface Server extends RelayCandidate {
  weight: number;
  isUp: boolean;
  isFull: boolean;
  activeConnections: number;
}

function server(key: string, weight = 1, activeConnections = 0): Server {
  return { key, weight, activeConnections, isUp: true, isFull: false, isBackup: false };
}

function caller(clientAddress: string, more: Partial<Caller> = {}): Caller {
  return { clientAddress, clientPort: 4000, localAddress: "192.0.2.1", ...more };
}

const someone = caller("198.51.100.1");
const clients = Array.from({ length: 4_000 }, (_, index) => caller(`10.0.${index >> 8}.${index & 255}`));

/** Gives the servers of connections that all stay open. */
function fill(name: RelayScheduler, servers: readonly Server[], count: number): string {
  const scheduler = makeScheduler(name, [], servers, () => 0);
  return Array.from({ length: count }, () => {
    const chosen = scheduler.next(someone, null);
    if (chosen !== null) chosen.activeConnections += 1;
    return chosen?.key ?? "-";
  }).join("");
}

function shares(name: RelayScheduler, servers: readonly Server[], random = Math.random): number[] {
  const scheduler = makeScheduler(name, [], servers, random);
  const chosen = clients.map((client) => scheduler.next(client, null));
  return servers.map((one) => chosen.filter((other) => other === one).length / clients.length);
}

const everyName: readonly RelayScheduler[] = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "sed",
  "nq",
  "fo",
  "ovf",
  "sh",
  "dh",
  "mh",
  "twos",
];

describe("every scheduler", () => {
  test("chooses only what is up, has weight and room, and was not tried, and something if there is any", () => {
    const anyServer = record({
      weight: nat(5),
      isUp: boolean(),
      isFull: boolean(),
      isTried: boolean(),
      connections: nat(3),
    });
    assert(
      property(
        constantFrom(...everyName),
        array(anyServer, { maxLength: 6 }),
        ipV4(),
        (name, given, address) => {
          const servers = given.map(({ weight, isUp, isFull, connections }, index) =>
            Object.assign(server(`s${index}`, weight, connections), { isUp, isFull }),
          );
          const tried = servers.filter((_, index) => given[index]?.isTried === true);
          const scheduler = makeScheduler(name, ["fallback"], servers, () => 0.4);
          const chosen = scheduler.next(caller(address), tried);
          const usable = servers.filter(
            (one) => one.isUp && !one.isFull && one.weight > 0 && !tried.includes(one),
          );
          const canTake =
            name === "ovf" ? usable.filter((one) => one.activeConnections <= one.weight) : usable;
          // The destination's hash knows no other server: it goes without one that is full.
          if (name === "dh" && chosen === null) return true;
          return canTake.length === 0 ? chosen === null : chosen !== null && canTake.includes(chosen);
        },
      ),
      { numRuns: 600 },
    );
  });
});

describe("schedulers by connections", () => {
  test("lc levels out connections, whatever the weights", () => {
    expect(fill("lc", [server("a", 9, 2), server("b"), server("c", 1, 1)], 6)).toBe("bbcabc");
  });

  test("wlc gives connections in proportion to weights", () => {
    const servers = [server("a", 3), server("b", 1)];
    fill("wlc", servers, 400);
    expect(servers.map((one) => one.activeConnections)).toEqual([300, 100]);
  });

  test("sed does not ask a slow server first, nq does as soon as it is idle", () => {
    expect(fill("sed", [server("a", 3), server("b", 1)], 4)).toBe("aaab");
    expect(fill("nq", [server("a", 3), server("b", 1)], 4)).toBe("abaa");
  });

  test("fo stays with the heaviest that is up", () => {
    const servers = [server("a", 1), server("b", 3), server("c", 3)];
    expect(fill("fo", servers, 3)).toBe("bbb");
    if (servers[1] !== undefined) servers[1].isUp = false;
    expect(fill("fo", servers, 1)).toBe("c");
  });

  test("ovf fills the heaviest beyond its weight, then the next, and then none", () => {
    expect(fill("ovf", [server("a", 1), server("b", 2)], 6)).toBe("bbbaa-");
  });

  test("processes with other numbers begin with other servers", () => {
    const servers = [server("a"), server("b"), server("c")];
    const first = [0, 0.4, 0.9].map(
      (number) => makeScheduler("lc", [], servers, () => number).next(someone, null)?.key,
    );
    expect(first).toEqual(["a", "b", "c"]);
  });

  test("twos draws by weight and takes the less loaded", () => {
    const idle = shares("twos", [server("a", 3), server("b", 1)], seeded());
    // Both draws must be the light one, or the second of two equals: 1/4.
    expect(Math.abs((idle[1] ?? 0) - 0.25)).toBeLessThan(0.05);
    const loaded = shares("twos", [server("a", 1, 9), server("b", 1, 0)], seeded());
    expect(Math.abs((loaded[1] ?? 0) - 0.75)).toBeLessThan(0.05);
  });
});

describe("schedulers by hash", () => {
  test("sh and mh give each server its share by weight, dh takes the destination", () => {
    for (const name of ["sh", "mh"] as const) {
      const found = shares(name, [server("a", 6), server("b", 3), server("c", 1)]);
      for (const [index, share] of [0.6, 0.3, 0.1].entries())
        expect(Math.abs((found[index] ?? 0) - share)).toBeLessThan(0.03);
    }
    expect(new Set(shares("dh", [server("a"), server("b")]))).toEqual(new Set([0, 1]));
  });

  test("another process chooses the same server, and the port counts only with its flag", () => {
    for (const name of ["sh", "mh"] as const) {
      const servers = Array.from({ length: 7 }, (_, index) => server(`10.0.0.${index}:80`));
      const choose = (flags: readonly SchedulerFlag[], port: number): (string | undefined)[] => {
        const scheduler = makeScheduler(name, flags, servers, Math.random);
        return clients
          .slice(0, 50)
          .map((client) => scheduler.next({ ...client, clientPort: port }, null)?.key);
      };
      expect(choose([], 1)).toEqual(choose([], 2));
      expect(choose(["port"], 1)).toEqual(choose(["port"], 1));
      expect(choose(["port"], 1)).not.toEqual(choose(["port"], 2));
    }
  });

  test("a full server turns its clients away, or with fallback spreads them over all the others", () => {
    for (const name of ["sh", "mh"] as const) {
      const servers = [server("a"), server("b"), server("c")];
      const plain = makeScheduler(name, [], servers, Math.random);
      const before = clients.map((client) => plain.next(client, null));
      const [full] = servers;
      if (full === undefined) throw new Error("unreachable");
      full.isFull = true;
      const fallback = makeScheduler(name, ["fallback"], servers, Math.random);
      const taken = new Map<string, number>();
      for (const [index, client] of clients.entries()) {
        const chosen = fallback.next(client, null);
        if (before[index] !== full) {
          expect(chosen).toBe(before[index] ?? null);
          continue;
        }
        expect(plain.next(client, null)).toBeNull();
        taken.set(chosen?.key ?? "-", (taken.get(chosen?.key ?? "-") ?? 0) + 1);
      }
      expect(new Set(taken.keys())).toEqual(new Set(["b", "c"]));
      expect(Math.min(...taken.values()) / Math.max(...taken.values())).toBeGreaterThan(0.7);
    }
  });

  test("Maglev moves hardly anyone else when a server goes", () => {
    const servers = Array.from({ length: 10 }, (_, index) => ({ key: `10.0.0.${index}:80`, weight: 10 }));
    const before = maglevTable(servers);
    const after = maglevTable(servers.with(3, { key: "10.0.0.3:80", weight: 0 }));
    const moved = before.filter((owner, place) => owner !== 3 && owner !== after[place]).length;
    expect(after.includes(3)).toBe(false);
    expect(moved / before.length).toBeLessThan(0.05);
  });
});

function seeded(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
