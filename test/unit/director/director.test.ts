import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import { noFooting } from "../../../src/config/footing-plan.ts";
import type { DirectorPlan } from "../../../src/config/node-plan.ts";
import type { WeightWord } from "../../../src/config/weight-word.ts";
import type { IpvsServicePlan } from "../../../src/config/service-plan.ts";
import { Director } from "../../../src/director/director.ts";
import { desiredTable } from "../../../src/director/table.ts";
import type { IpvsService } from "../../../src/kernel/ipvs.ts";
import type { Drain } from "../../../src/director/drains.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { recordingLog } from "../../support/recording-log.ts";
import { plannedServer, plannedService, plannedTarget } from "../../support/ipvs-services.ts";

const key = "tcp 10.99.0.101:80";
const idle = { drain: null, activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 };

interface Lab {
  readonly director: Director;
  readonly kernel: FakeIpvs;
  readonly down: Set<string>;
  readonly said: string[];
  readonly journal: { entries: ReadonlySet<string> };
  /** What checks say about weights. */
  readonly words: Map<string, WeightWord>;
  readonly standing: Map<string, boolean>;
  readonly clock: FakeClock;
  readonly book: { drains: readonly Drain[] };
  readonly told: string[];
}

/** A director before a kernel that holds `kernel`, with a journal that says what of it is owned. */
function lab(
  o: {
    kernel?: FakeIpvs;
    owned?: readonly string[];
    openError?: SystemError;
    drains?: readonly Drain[];
  } = {},
): Lab {
  const kernel = o.kernel ?? new FakeIpvs();
  const down = new Set<string>();
  const { log, said } = recordingLog();
  const standing = new Map<string, boolean>();
  const words = new Map<string, WeightWord>();
  const journal = {
    entries: new Set(o.owned) as ReadonlySet<string>,
    note(entries: ReadonlySet<string>) {
      this.entries = entries;
    },
  };
  const clock = new FakeClock();
  const told: string[] = [];
  const book = {
    drains: o.drains ?? ([] as readonly Drain[]),
    note(drains: readonly Drain[]) {
      this.drains = drains;
    },
  };
  const prober = {
    configure: (_probes: unknown, verdicts: ReadonlyMap<string, boolean> = new Map()) => {
      for (const [probe, isUp] of verdicts) standing.set(probe, isUp);
    },
    verdict: (probe: string) => standing.get(probe) ?? !down.has(probe),
    weightWord: (probe: string) => words.get(probe) ?? null,
    close: () => undefined,
  };
  const openIpvs = (): FakeIpvs => {
    if (o.openError !== undefined) throw o.openError;
    return kernel;
  };
  return {
    director: new Director({
      clock,
      log,
      prober,
      journal,
      book,
      openIpvs,
      tell: ({ service, hasQuorum }) => told.push(`${service.name} ${hasQuorum ? "up" : "down"}`),
    }),
    clock,
    book,
    told,
    kernel,
    down,
    said,
    journal,
    standing,
    words,
  };
}

function plan(...services: readonly IpvsServicePlan[]): DirectorPlan {
  return { probes: [], services, marks: [], footing: noFooting };
}

describe("Director.configure", () => {
  test("fills an empty table and notes what is its own", () => {
    const { director, kernel, journal } = lab();
    expect(director.configure(plan(plannedService()))).toBeNull();
    expect(kernel.services()).toEqual([...desiredTable([plannedService()], () => true)]);
    expect([...journal.entries]).toEqual([key]);
  });

  test("sends no change when the same plan comes again", () => {
    const { director, kernel } = lab();
    director.configure(plan(plannedService()));
    kernel.changes.length = 0;
    expect(director.configure(plan(plannedService()))).toBeNull();
    director.reconcile();
    expect(kernel.changes).toEqual([]);
  });

  test("removes the services that a new plan no longer has and leaves foreign ones", () => {
    const foreign = desiredTable([plannedService({ address: "10.99.0.150" })], () => true);
    const { director, kernel, journal } = lab({ kernel: new FakeIpvs(foreign) });
    director.configure(plan(plannedService()));
    director.configure(plan());
    expect(kernel.services().map((service) => service.key)).toEqual(foreign.map((service) => service.key));
    expect(journal.entries.size).toBe(0);
  });

  test("refuses services and says what to do when the kernel has no IPVS", () => {
    const { director } = lab({ openError: new SystemError("CTRL_CMD_GETFAMILY IPVS", "ENOENT") });
    const refusal = director.configure(plan(plannedService()));
    expect(refusal).toContain("modprobe ip_vs");
    expect(refusal).toContain("linux-image-amd64");
    expect(refusal).toContain('forward = "proxy"');
  });

  test("refuses services and names the capability when it may not change IPVS", () => {
    const { director } = lab({ openError: new SystemError("IPVS_CMD_GET_INFO", "EPERM") });
    expect(director.configure(plan(plannedService()))).toContain("CAP_NET_ADMIN");
  });

  test("needs no IPVS for a plan without services", () => {
    const { director } = lab({ openError: new SystemError("CTRL_CMD_GETFAMILY IPVS", "ENOENT") });
    expect(director.configure(plan())).toBeNull();
    director.reconcile();
    expect(director.status()).toEqual([]);
  });

  test("goes back to the old plan when the new one cannot be carried out", () => {
    const { director, kernel, journal } = lab();
    director.configure(plan(plannedService({ scheduler: "rr" })));
    const before = kernel.services();
    kernel.schedulers = new Set(["rr"]);
    const bad = plannedService({ address: "10.99.0.102" });
    expect(director.configure(plan(bad))).toContain("modprobe ip_vs_wrr");
    expect(kernel.services()).toEqual(before);
    expect([...journal.entries]).toEqual([key]);
  });
});

describe("Director after a crash of the one before", () => {
  test("adopts the table with no change, also where a server is missing because it is down", () => {
    const kernel = new FakeIpvs(desiredTable([plannedService()], (probe) => probe !== "probe 21"));
    const { director, standing } = lab({ kernel, owned: [key] });
    director.configure(plan(plannedService()));
    expect(kernel.changes).toEqual([]);
    expect(Object.fromEntries(standing)).toEqual({ "probe 21": false, "probe 22": true });
  });

  test("removes what the one before made and the plan no longer has", () => {
    const kernel = new FakeIpvs(desiredTable([plannedService()], () => true));
    const { director } = lab({ kernel, owned: [key] });
    director.configure(plan());
    expect(kernel.services()).toEqual([]);
  });

  test("takes no verdict from a service that was not its own", () => {
    const kernel = new FakeIpvs(desiredTable([plannedService({ servers: [] })], () => true));
    const { director, standing } = lab({ kernel });
    director.configure(plan(plannedService()));
    expect(standing.size).toBe(0);
    expect(kernel.services()[0]?.servers).toHaveLength(2);
  });
});

describe("Director.reconcile", () => {
  test("takes the weight that a check asks for, and the sorry server when all ask for none", () => {
    const { director, kernel, words } = lab();
    director.configure(plan(plannedService({ sorry: plannedTarget("10.99.0.31") })));
    kernel.changes.length = 0;
    words.set("probe 21", { kind: "fixed", weight: 7 });
    director.reconcile();
    words.set("probe 21", { kind: "share", percent: 0 });
    words.set("probe 22", { kind: "share", percent: 0 });
    director.reconcile();
    expect(kernel.changes).toEqual([
      `setServer ${key} 10.99.0.21:80`,
      `addServer ${key} 10.99.0.31:80`,
      `setServer ${key} 10.99.0.21:80`,
      `setServer ${key} 10.99.0.22:80`,
    ]);
    expect(kernel.services()[0]?.servers.map(({ weight }) => weight)).toEqual([0, 0, 1]);
  });

  test("takes a dead server out and puts it back, and says when none is left", () => {
    const { director, kernel, down, said } = lab();
    const sorry = plannedTarget("10.99.0.31");
    director.configure(plan(plannedService({ sorry })));
    kernel.changes.length = 0;
    down.add("probe 21");
    director.reconcile();
    down.add("probe 22");
    director.reconcile();
    expect(director.status()[0]?.usesSorry).toBe(true);
    down.clear();
    director.reconcile();
    expect(kernel.changes).toEqual([
      `removeServer ${key} 10.99.0.21:80`,
      `addServer ${key} 10.99.0.31:80`,
      `removeServer ${key} 10.99.0.22:80`,
      `addServer ${key} 10.99.0.21:80`,
      `addServer ${key} 10.99.0.22:80`,
      `removeServer ${key} 10.99.0.31:80`,
    ]);
    expect(said).toContain(`warning: service web (${key}) has no server left: the sorry server takes over`);
    expect(said).toContain(`notice: service web (${key}) has a server again`);
  });

  test("puts back what someone removed by hand", () => {
    const { director, kernel } = lab();
    director.configure(plan(plannedService()));
    for (const { key: removed } of kernel.services()) kernel.removeService(removed);
    director.reconcile();
    expect(kernel.services()).toEqual([...desiredTable([plannedService()], () => true)]);
  });

  test("does the rest when one service fails, says so once, and says when it is right again", () => {
    const { director, kernel, said } = lab();
    const second = plannedService({ address: "10.99.0.102", scheduler: "rr" });
    director.configure(plan(plannedService(), second));
    for (const { key: removed } of kernel.services()) kernel.removeService(removed);
    kernel.schedulers = new Set(["rr"]);
    director.reconcile();
    director.reconcile();
    expect(kernel.services().map((service) => service.scheduler)).toEqual(["rr"]);
    expect(said.filter((line) => line.startsWith("error"))).toHaveLength(1);
    kernel.schedulers = new Set(["rr", "wrr"]);
    director.reconcile();
    expect(kernel.services()).toHaveLength(2);
    expect(said.at(-1)).toBe("notice: the IPVS table is as it should be again");
  });
});

describe("Director.status", () => {
  test("shows weights and connections as the kernel has them", () => {
    const servers = [plannedServer("10.99.0.21", { weight: 3 }), plannedServer("10.99.0.22")];
    const { director, down } = lab();
    director.configure(plan(plannedService({ servers })));
    down.add("probe 22");
    director.reconcile();
    expect(director.status()).toMatchObject([
      {
        name: "web",
        isForeign: false,
        protocol: "tcp",
        address: "10.99.0.101",
        port: 80,
        mark: null,
        scheduler: "wrr",
        usesSorry: false,
        hasQuorum: true,
        servers: [
          { address: "10.99.0.21", port: 80, isInTable: true, weight: 3, isUp: true, ...idle },
          { address: "10.99.0.22", port: 80, isInTable: false, weight: 0, isUp: false, ...idle },
        ],
        sorry: null,
      },
    ]);
  });
});

describe("Director.stop", () => {
  test("removes its own services, leaves foreign ones, and forgets", () => {
    const foreign = desiredTable([plannedService({ address: "10.99.0.150" })], () => true);
    const { director, kernel, journal } = lab({ kernel: new FakeIpvs(foreign) });
    director.configure(plan(plannedService()));
    director.stop();
    expect(kernel.services().map((service) => service.key)).toEqual(foreign.map((service) => service.key));
    expect(journal.entries.size).toBe(0);
    expect(kernel.isClosed).toBe(true);
  });
});

describe("Director.drain", () => {
  const order = { servers: ["web/10.99.0.21"], isBack: false, withinMs: 60_000 };

  test("takes a server out at once when it has no connection, and puts it back", () => {
    const { director, kernel, book, said } = lab();
    director.configure(plan(plannedService()));
    expect(director.drain(order)).toEqual({
      outcomes: [{ name: "web/10.99.0.21", text: "gets no new connections" }],
      refusal: null,
    });
    expect(kernel.services()[0]?.servers.map(({ address }) => address)).toEqual(["10.99.0.22"]);
    expect(book.drains).toMatchObject([{ service: "web", address: "10.99.0.21", state: "drained" }]);
    expect(director.isWaiting).toBe(false);
    expect(said).toContain("notice: web/10.99.0.21 has no connection left");
    expect(director.drain({ ...order, isBack: true }).outcomes).toEqual([
      { name: "web/10.99.0.21", text: "gets connections again" },
    ]);
    expect(kernel.services()[0]?.servers).toHaveLength(2);
  });

  test("leaves open connections until they end, or the time is up", () => {
    const busy = { ...desiredTable([plannedService()], () => true)[0] } as IpvsService;
    const servers = busy.servers.map((server) => ({ ...server, activeConnections: 3 }));
    const { director, kernel, clock, said } = lab({
      kernel: new FakeIpvs([{ ...busy, servers }]),
      owned: [key],
    });
    director.configure(plan(plannedService()));
    director.drain(order);
    expect(weights(kernel)).toEqual(["10.99.0.21 0", "10.99.0.22 1"]);
    expect(director.isWaiting).toBe(true);
    expect(director.status()[0]?.servers[0]).toMatchObject({ drain: "draining", weight: 0 });
    clock.advance(61_000);
    director.reconcile();
    expect(weights(kernel)).toEqual(["10.99.0.22 1"]);
    expect(said).toContain("notice: web/10.99.0.21 is taken out with 3 connections still open");
    expect(director.status()[0]?.servers[0]).toMatchObject({ drain: "drained", isUp: true });
  });

  test("holds over a restart, whose process knows it from the book", () => {
    const since = "2026-01-01T00:00:00.000Z";
    const drains = [
      { service: "web", address: "10.99.0.21", port: null, since, until: since, state: "drained" as const },
    ];
    const { director, kernel } = lab({ drains });
    director.configure(plan(plannedService()));
    expect(weights(kernel)).toEqual(["10.99.0.22 1"]);
  });

  test("refuses what it does not know, and does nothing then", () => {
    const { director, book } = lab();
    director.configure(plan(plannedService()));
    const refusalOf = (name: string): string | null =>
      director.drain({ ...order, servers: ["web/10.99.0.22", name] }).refusal;
    expect(refusalOf("web/10.99.0.77")).toBe(
      "there is no server web/10.99.0.77; the service has 10.99.0.21:80, 10.99.0.22:80",
    );
    expect(refusalOf("wob/10.99.0.21")).toBe("the kernel balances no service wob; there is web");
    expect(refusalOf("10.99.0.21")).toBe('"10.99.0.21" names no server; write it as web/192.0.2.8');
    expect(book.drains).toEqual([]);
  });
});

describe("Director and time", () => {
  test("gives a server that comes back its weight bit by bit", () => {
    const servers = [plannedServer("10.99.0.21", { weight: 100, slowStartMs: 10_000 })];
    const { director, kernel, down, clock } = lab();
    director.configure(plan(plannedService({ servers })));
    expect(weights(kernel)).toEqual(["10.99.0.21 100"]);
    down.add("probe 21");
    director.reconcile();
    down.clear();
    const seen = [0, 2_500, 5_000, 10_000].map((at, index, all) => {
      clock.advance(at - (all[index - 1] ?? 0));
      director.reconcile();
      return weights(kernel)[0];
    });
    expect(seen).toEqual(["10.99.0.21 5", "10.99.0.21 25", "10.99.0.21 50", "10.99.0.21 100"]);
    expect(director.isWaiting).toBe(false);
  });

  test("keeps a server out that comes and goes", () => {
    const damping = { changes: 2, withinMs: 10_000, holdMs: 30_000 };
    const { director, kernel, down, clock, said } = lab();
    director.configure(plan(plannedService({ damping })));
    for (let time = 0; time < 2; time += 1) {
      down.add("probe 21");
      director.reconcile();
      down.clear();
      clock.advance(1_000);
      director.reconcile();
    }
    expect(weights(kernel)).toEqual(["10.99.0.22 1"]);
    expect(said).toContain(`warning: ${key} 10.99.0.21:80 fails too often: it is kept out for a while`);
    clock.advance(30_000);
    director.reconcile();
    expect(weights(kernel)).toEqual(["10.99.0.21 1", "10.99.0.22 1"]);
  });

  test("tells of the quorum, which hysteresis keeps", () => {
    const quorum = { weight: 2, hysteresis: 1, up: null, down: null, endsOnStop: true };
    const servers = ["21", "22", "23"].map((part) => plannedServer(`10.99.0.${part}`));
    const { director, down, told, said } = lab();
    director.configure(plan(plannedService({ quorum, servers })));
    down.add("probe 21").add("probe 22");
    director.reconcile();
    expect(told).toEqual(["web up"]);
    down.add("probe 23");
    director.reconcile();
    expect(told).toEqual(["web up", "web down"]);
    down.delete("probe 23");
    down.delete("probe 22");
    director.reconcile();
    expect(told).toEqual(["web up", "web down"]);
    down.clear();
    director.reconcile();
    expect(told).toEqual(["web up", "web down", "web up"]);
    expect(said).toContain(`notice: service web (${key}) has its quorum again`);
    director.stop();
    expect(told.at(-1)).toBe("web down");
  });
});

/** The servers of the first service with their weights, sorted. */
function weights(kernel: FakeIpvs): readonly string[] {
  return (kernel.services()[0]?.servers ?? []).map(({ address, weight }) => `${address} ${weight}`).sort();
}
