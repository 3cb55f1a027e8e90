import { describe, expect, test } from "bun:test";
import { type DirectorPlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import type { ProxiedPlan } from "../../../src/config/proxied-plan.ts";
import type { NamedServers } from "../../../src/config/http-config.ts";
import { plannedLookup } from "../../support/planned-lookup.ts";
import { directorLab, type DirectorLab } from "../../support/director-lab.ts";
import { plannedService } from "../../support/ipvs-services.ts";
import { plannedRelay, proxiedServer } from "../../support/proxied-services.ts";

/** What the director decides about servers behind the proxies: no table is there to read. */

function plan(...proxied: readonly ProxiedPlan[]): DirectorPlan {
  return {
    ...noDirectorPlan,
    proxied,
  };
}

/** What the proxies were told last: all of it or what has changed, each as its last part, weight and words. */
function lastTold({ stood }: DirectorLab): string {
  const { isWhole, standings } = stood.at(-1) ?? { isWhole: false, standings: [] };
  const words = standings.map(({ server: id, isOpen, weight, endsConnections, drainedSince }) => {
    const flags = [
      isOpen ? "open" : "",
      endsConnections ? "ends" : "",
      drainedSince === null ? "" : "drained",
    ];
    return [id, weight, ...flags.filter(Boolean)].join(" ");
  });
  return `${isWhole ? "all: " : ""}${words.join(", ")}`;
}

const order = { servers: ["web/10.99.0.21"], isBack: false, withinMs: 60_000 };

describe("what the proxies are told", () => {
  test("is everything for a new plan, and then only what has changed", () => {
    const lab = directorLab();
    lab.director.configure(plan(plannedRelay()));
    expect(lastTold(lab)).toBe("all: relay web 10.99.0.21:80 1 open, relay web 10.99.0.22:80 1 open");
    lab.director.reconcile();
    expect(lab.stood).toHaveLength(1);
    lab.down.add("probe 21");
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0 ends");
    lab.director.configure(plan(plannedRelay({ servers: [proxiedServer(22)] })));
    expect(lastTold(lab)).toBe("all: relay web 10.99.0.22:80 1 open");
  });

  test("waits for no kernel whose table is being filled", () => {
    const lab = directorLab();
    const services = Array.from({ length: 1_000 }, (_, index) => plannedService({ port: 1 + index }));
    lab.director.configure({ ...plan(plannedRelay()), services });
    lab.down.add("probe 21");
    lab.director.reconcile();
    expect(lab.director.isFilling).toBeTrue();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0 ends");
  });

  test("keeps the connections of a server that is inhibited", () => {
    const lab = directorLab();
    lab.director.configure(
      plan(plannedRelay({ servers: [proxiedServer(21, { inhibits: true }), proxiedServer(22)] })),
    );
    lab.down.add("probe 21");
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0");
  });

  test("has the weights of checks, of slow starts and of lost quorums in it", () => {
    const lab = directorLab();
    const servers = [
      proxiedServer(21, { weight: 100, slowStartMs: 10_000 }),
      proxiedServer(22, { weight: 100 }),
    ];
    const quorum = { weight: 150, hysteresis: 0, up: null, down: null, endsOnStop: true };
    lab.director.configure(
      plan(plannedRelay({ servers, quorum, sorry: { address: "10.99.0.9", port: 80 } })),
    );
    expect(lab.told).toEqual(["web up"]);
    lab.down.add("probe 21");
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0 ends, relay web 10.99.0.22:80 0 open");
    expect(lab.told).toEqual(["web up", "web down"]);
    expect(lab.said.at(-1)).toBe(
      "warning: service web has lost its quorum: a weight of 100 is up, and 150 is wanted: the sorry server takes over",
    );
    expect(lab.director.proxiedStatus()).toMatchObject([{ hasQuorum: false, usesSorry: true }]);
    lab.down.clear();
    lab.clock.advance(1_000);
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 5 open, relay web 10.99.0.22:80 100 open");
    lab.words.set("probe 22", { kind: "share", percent: 75 });
    lab.clock.advance(5_000);
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 50 open, relay web 10.99.0.22:80 75 open");
    lab.director.stop();
    expect(lab.told.at(-1)).toBe("web down");
  });

  test("is that nobody is there until a check has succeeded, where servers start down", () => {
    const lab = directorLab();
    lab.unchecked.add("probe 21").add("probe 22");
    lab.director.configure(plan(plannedRelay({ startsDown: true })));
    expect(lastTold(lab)).toBe("all: relay web 10.99.0.21:80 0 ends, relay web 10.99.0.22:80 0 ends");
    expect(lab.said.at(-1)).toBe("error: service web has no server left: connections are refused");
    lab.unchecked.delete("probe 21");
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 1 open");
    expect(lab.told).toEqual(["web down", "web up"]);
  });

  test("goes by a quorum of weights that is lost below it and there again above it by the hysteresis", () => {
    const lab = directorLab();
    const servers = [proxiedServer(21, { weight: 2 }), proxiedServer(22, { weight: 2 })];
    const quorum = { weight: 3, hysteresis: 1, up: null, down: null, endsOnStop: false };
    const sorry = { address: "10.99.0.9", port: 80 };
    lab.director.configure(plan(plannedRelay({ servers, quorum, sorry })));
    const after = (...down: readonly string[]): unknown => {
      lab.down.clear();
      for (const probe of down) lab.down.add(probe);
      lab.director.reconcile();
      const [status] = lab.director.proxiedStatus();
      return [status?.hasQuorum, status?.usesSorry];
    };
    expect(after("probe 21")).toEqual([true, false]);
    expect(after("probe 21", "probe 22")).toEqual([false, true]);
    expect(after("probe 21")).toEqual([false, true]);
    expect(after()).toEqual([true, false]);
    expect(lab.told).toEqual(["web up", "web down", "web up"]);
  });

  test("goes on from what an earlier process has found", () => {
    const lab = directorLab();
    lab.director.configure(plan(plannedRelay()), new Map([["probe 22", false]]));
    expect(lastTold(lab)).toBe("all: relay web 10.99.0.21:80 1 open, relay web 10.99.0.22:80 0 ends");
  });

  test("keeps out a server that comes and goes", () => {
    const lab = directorLab();
    const damping = { changes: 2, withinMs: 10_000, holdMs: 30_000 };
    lab.director.configure(plan(plannedRelay({ damping })));
    for (let time = 0; time < 2; time += 1) {
      lab.down.add("probe 21");
      lab.director.reconcile();
      lab.down.clear();
      lab.clock.advance(1_000);
      lab.director.reconcile();
    }
    expect(lab.said.at(-1)).toBe(
      "warning: relay web 10.99.0.21:80 fails too often: it is kept out for a while",
    );
    expect(lab.director.proxiedStatus()[0]?.servers[0]).toMatchObject({ isHeld: true, isUp: false });
    lab.clock.advance(30_000);
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 1 open");
  });
});

describe("a drain behind the proxies", () => {
  test("is over when all proxies have told that nothing is open, for this drain and no other", () => {
    const lab = directorLab();
    lab.director.configure(
      plan(plannedRelay(), plannedRelay({ kind: "upstream", name: "apps", group: "apps" })),
    );
    expect(lab.director.drain(order).refusal).toBeNull();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0 drained");
    const since = lab.stood.at(-1)?.standings[0]?.drainedSince ?? "";
    const told = (open: number, at = since): string => {
      lab.director.heardOpen([{ server: "relay web 10.99.0.21:80", since: at, open }]);
      return lab.book.drains[0]?.state ?? "";
    };
    expect(told(0, "2020-01-01T00:00:00.000Z")).toBe("draining");
    expect(told(2)).toBe("draining");
    expect(told(0)).toBe("drained");
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0 ends drained");
    expect(lab.director.drain({ ...order, isBack: true }).refusal).toBeNull();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 1 open");
  });

  test("is over at its deadline, and says what that cut", () => {
    const lab = directorLab();
    lab.director.configure(plan(plannedRelay()));
    lab.director.drain(order);
    const since = lab.book.drains[0]?.since ?? "";
    lab.director.heardOpen([{ server: "relay web 10.99.0.21:80", since, open: 3 }]);
    lab.clock.advance(61_000);
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("relay web 10.99.0.21:80 0 ends drained");
    expect(lab.director.proxiedStatus()[0]?.servers[0]).toMatchObject({
      drain: "drained",
      cutConnections: 3,
    });
    expect(lab.said.at(-1)).toBe("notice: web/10.99.0.21 is taken out with 3 connections still open");
  });

  test("goes by the names of upstreams, too", () => {
    const lab = directorLab();
    lab.director.configure(plan(plannedRelay({ kind: "upstream", name: "apps", group: "apps" })));
    expect(lab.director.drain(order).refusal).toBe(
      "there is no service or upstream web on this node; there is apps",
    );
    expect(lab.director.drain({ ...order, servers: ["apps/10.99.0.22:80"] }).refusal).toBeNull();
    expect(lastTold(lab)).toBe("upstream apps 10.99.0.22:80 0 drained");
  });
});

test("a sorry server that is one of the servers, and taken out, takes nothing", () => {
  const lab = directorLab();
  const sorry = { address: "10.99.0.21", port: 80 };
  lab.director.configure(plan(plannedRelay({ sorry })));
  lab.director.drain(order);
  lab.down.add("probe 22");
  lab.director.reconcile();
  expect(lab.director.proxiedStatus()).toMatchObject([{ hasQuorum: false, usesSorry: false }]);
  expect(lab.said.at(-1)).toBe("error: service web has no server left: connections are refused");
  lab.director.drain({ ...order, isBack: true });
  expect(lab.director.proxiedStatus()).toMatchObject([{ hasQuorum: true, usesSorry: false }]);
});

/** An upstream of one name, behind which there are these servers. */
function named(...numbers: readonly number[]): DirectorPlan {
  const servers = numbers.map((number) =>
    proxiedServer(number, { weight: 100, slowStartMs: 20_000, inhibits: true }),
  );
  const policy = { weight: 100, checks: [], isBackup: false, mostConnections: 0, slowStartMs: 0 };
  const entry: NamedServers = { ...policy, isDrained: false, port: 80, lookup: plannedLookup };
  return plan(plannedRelay({ kind: "upstream", servers, named: [entry] }));
}

describe("servers that come by a name", () => {
  test("get nothing before their check, and then a growing share; those that were there keep theirs", () => {
    const lab = directorLab();
    lab.director.configure(named(21));
    lab.unchecked.add("probe 22");
    lab.director.takeNamed(named(21, 22));
    expect(lastTold(lab)).toBe("all: upstream web 10.99.0.21:80 100 open, upstream web 10.99.0.22:80 0");
    lab.unchecked.delete("probe 22");
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("upstream web 10.99.0.22:80 5 open");
    lab.clock.advance(10_000);
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("upstream web 10.99.0.22:80 50 open");
  });

  test("are trusted before their check where nobody is known to be well, as at the start", () => {
    const lab = directorLab();
    lab.unchecked.add("probe 21").add("probe 22");
    lab.director.configure(named(21, 22));
    expect(lastTold(lab)).toBe(
      "all: upstream web 10.99.0.21:80 100 open, upstream web 10.99.0.22:80 100 open",
    );
    lab.unchecked.delete("probe 21");
    lab.director.reconcile();
    expect(lastTold(lab)).toBe("upstream web 10.99.0.22:80 0");
  });

  test("are forgotten when they go", () => {
    const lab = directorLab();
    lab.director.configure(named(21, 22));
    lab.director.takeNamed(named(22));
    expect(lastTold(lab)).toBe("all: upstream web 10.99.0.22:80 100 open");
  });
});

test("a server that the file has drained gets nothing new, keeps what is open, and no order puts it back", () => {
  const lab = directorLab();
  const upstream = plannedRelay({
    kind: "upstream",
    servers: [proxiedServer(21, { isDrained: true, inhibits: true }), proxiedServer(22)],
  });
  lab.director.configure(plan(upstream));
  expect(lastTold(lab)).toBe("all: upstream web 10.99.0.21:80 0, upstream web 10.99.0.22:80 1 open");
  expect(lab.director.proxiedStatus()[0]?.servers[0]?.drain).toBe("draining");
  const report = lab.director.drain({ ...order, isBack: true });
  expect(report.outcomes.map(({ text }) => text)).toEqual([
    "stays drained, as the file says: remove drain = true there",
  ]);
  lab.director.configure(plan({ ...upstream, servers: [proxiedServer(21), proxiedServer(22)] }));
  expect(lastTold(lab)).toBe("upstream web 10.99.0.21:80 1 open");
});
