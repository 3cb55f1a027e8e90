import { describe, expect, test } from "bun:test";
import { array, assert, boolean, constantFrom, nat, property, record, string } from "fast-check";
import type { UpstreamBalance } from "../../../../src/config/upstream-policy.ts";
import { makeBalancer } from "../../../../src/proxy/selection/make-balancer.ts";
import { isOpenTo, type Caller, type RelayCandidate } from "../../../../src/proxy/selection/scheduler.ts";

interface Server extends RelayCandidate {
  weight: number;
  isUp: boolean;
  isFull: boolean;
  activeConnections: number;
}

function server(key: string, more: Partial<Server> = {}): Server {
  return { key, weight: 1, activeConnections: 0, isUp: true, isFull: false, isBackup: false, ...more };
}

function caller(text: string): Caller {
  return { clientAddress: text, clientPort: 0, localAddress: "" };
}

const callers = Array.from({ length: 4_000 }, (_, index) => caller(`/page/${index}`));
const someone = caller("");

function balancer(balance: UpstreamBalance, servers: readonly Server[], hashBound = 1.25) {
  let seed = 1;
  // Park and Miller's, so that shares are the same each time.
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  return makeBalancer({ balance, hashBound }, servers, random);
}

const every: readonly UpstreamBalance[] = [
  "round-robin",
  "least-connections",
  "random",
  "two-choices",
  "source-hash",
  "consistent-hash",
  "first",
];

describe("every balance", () => {
  test("chooses only what is up, has weight and room, and was not tried, and something if there is any", () => {
    const anyServer = record({
      weight: nat(3),
      activeConnections: nat(5),
      isUp: boolean(),
      isFull: boolean(),
      isTried: boolean(),
      isBackup: boolean(),
    });
    assert(
      property(
        constantFrom(...every),
        array(anyServer, { maxLength: 6 }),
        string(),
        (balance, drawn, text) => {
          const servers = drawn.map((more, index) => server(`s${index}`, more));
          const tried = servers.filter((_, index) => drawn[index]?.isTried === true);
          const chosen = balancer(balance, servers).next(caller(text), tried);
          const open = servers.filter((one) => isOpenTo(one, tried));
          const regular = open.filter(({ isBackup }) => !isBackup);
          const free = (regular.length > 0 ? regular : open).filter(({ isFull }) => !isFull);
          if (chosen === null) expect(free).toEqual([]);
          else expect(free).toContain(chosen);
        },
      ),
    );
  });

  test.each(["round-robin", "random", "source-hash", "consistent-hash"] as const)(
    "%s gives each its share by weight",
    (balance) => {
      const servers = [server("a", { weight: 6 }), server("b", { weight: 3 }), server("c")];
      const choose = balancer(balance, servers);
      const chosen = callers.map((one) => choose.next(one, null));
      for (const [index, share] of [0.6, 0.3, 0.1].entries()) {
        const found = chosen.filter((one) => one === servers[index]).length / callers.length;
        expect(Math.abs(found - share)).toBeLessThan(0.03);
      }
    },
  );
});

test.each(["least-connections", "two-choices"] as const)(
  "%s evens out what stays open, by weight",
  (balance) => {
    const servers = [server("a", { weight: 2 }), server("b"), server("c", { activeConnections: 40 })];
    const choose = balancer(balance, servers);
    for (let request = 0; request < 400; request++) {
      const chosen = choose.next(someone, null);
      if (chosen !== null) chosen.activeConnections += 1;
    }
    const [a = 0, b = 0, c = 0] = servers.map(({ activeConnections }) => activeConnections);
    expect(Math.abs(a - 220)).toBeLessThan(20);
    expect(Math.abs(b - 110)).toBeLessThan(20);
    expect(Math.abs(c - 110)).toBeLessThan(20);
  },
);

test("first fills the first server before the second", () => {
  const servers = [server("a"), server("b")];
  const choose = balancer("first", servers);
  expect(choose.next(someone, null)?.key).toBe("a");
  servers[0] = Object.assign(servers[0] ?? server("a"), { isFull: true });
  expect(choose.next(someone, null)?.key).toBe("b");
});

describe("consistent hash", () => {
  test("moves hardly any but the requests of a server that goes", () => {
    const servers = ["a", "b", "c", "d", "e"].map((key) => server(key));
    const choose = balancer("consistent-hash", servers);
    const before = callers.map((one) => choose.next(one, null)?.key);
    const [gone] = servers;
    if (gone !== undefined) gone.isUp = false;
    const after = callers.map((one) => choose.next(one, null)?.key);
    const moved = after.filter((key, index) => before[index] !== "a" && key !== before[index]);
    expect(moved.length / callers.length).toBeLessThan(0.05);
    expect(after).not.toContain("a");
  });

  test("leaves no server more than its bound, though everybody asks for the same", () => {
    assert(
      property(array(nat(8), { minLength: 2, maxLength: 6 }), nat(300), (weights, count) => {
        const servers = weights.map((weight, index) => server(`s${index}`, { weight: weight + 1 }));
        const choose = balancer("consistent-hash", servers, 1.5);
        for (let request = 0; request < count; request++) {
          const chosen = choose.next(caller("/hot"), null);
          expect(chosen).not.toBeNull();
          if (chosen !== null) chosen.activeConnections += 1;
        }
        const sum = servers.reduce((all, { weight }) => all + weight, 0);
        for (const { activeConnections, weight } of servers)
          expect(activeConnections).toBeLessThan((1.5 * count * weight) / sum + 1);
      }),
      // A share that is a whole number, reached by rounding.
      { numRuns: 50, examples: [[[6, 6], 300]] },
    );
  });

  test("spreads requests that have nothing to hash", () => {
    const servers = [server("a"), server("b")];
    const choose = balancer("consistent-hash", servers);
    const keys = [1, 2, 3, 4].map(() => choose.next(someone, null)?.key);
    expect(keys).toEqual(["a", "b", "a", "b"]);
  });
});

describe("backups", () => {
  test.each(every)("%s uses them only while no other server is up", (balance) => {
    const [a, b] = [server("a"), server("b", { isBackup: true })];
    const choose = balancer(balance, [a, b]);
    const key = caller("x");
    expect(choose.next(key, null)).toBe(a);
    expect(choose.next(key, [a])).toBe(b);
    a.isFull = true;
    expect(choose.next(key, null)).toBeNull();
    a.isUp = false;
    expect(choose.next(key, null)).toBe(b);
  });
});
