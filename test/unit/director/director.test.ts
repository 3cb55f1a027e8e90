import { describe, expect, test } from "bun:test";
import type { Log } from "../../../src/base/log.ts";
import { SystemError } from "../../../src/base/system-error.ts";
import type { DirectorPlan } from "../../../src/config/node-plan.ts";
import type { WeightWord } from "../../../src/config/weight-word.ts";
import type { IpvsServicePlan } from "../../../src/config/service-plan.ts";
import { Director } from "../../../src/director/director.ts";
import { desiredTable } from "../../../src/director/table.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedServer, plannedService, plannedTarget } from "../../support/ipvs-services.ts";

const key = "tcp 10.99.0.101:80";

interface Lab {
  readonly director: Director;
  readonly kernel: FakeIpvs;
  readonly down: Set<string>;
  readonly said: string[];
  readonly journal: { entries: ReadonlySet<string> };
  /** What checks say about weights. */
  readonly words: Map<string, WeightWord>;
  readonly standing: Map<string, boolean>;
}

/** A director before a kernel that holds `kernel`, with a journal that says what of it is owned. */
function lab(o: { kernel?: FakeIpvs; owned?: readonly string[]; openError?: SystemError } = {}): Lab {
  const kernel = o.kernel ?? new FakeIpvs();
  const down = new Set<string>();
  const said: string[] = [];
  const standing = new Map<string, boolean>();
  const words = new Map<string, WeightWord>();
  const say =
    (level: string) =>
    (message: string): void => {
      said.push(`${level}: ${message}`);
    };
  const log: Log = {
    debug: say("debug"),
    info: say("info"),
    notice: say("notice"),
    warning: say("warning"),
    error: say("error"),
  };
  const journal = {
    entries: new Set(o.owned) as ReadonlySet<string>,
    note(entries: ReadonlySet<string>) {
      this.entries = entries;
    },
  };
  const prober = {
    configure: (_probes: unknown, verdicts: ReadonlyMap<string, boolean> = new Map()) => {
      for (const [probe, isUp] of verdicts) standing.set(probe, isUp);
    },
    isUp: (probe: string) => standing.get(probe) ?? !down.has(probe),
    weightWord: (probe: string) => words.get(probe) ?? null,
    close: () => undefined,
  };
  const openIpvs = (): FakeIpvs => {
    if (o.openError !== undefined) throw o.openError;
    return kernel;
  };
  return {
    director: new Director({ log, prober, journal, openIpvs }),
    kernel,
    down,
    said,
    journal,
    standing,
    words,
  };
}

function plan(...services: readonly IpvsServicePlan[]): DirectorPlan {
  return { probes: [], services };
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
    expect(director.status()).toEqual([
      {
        name: "web",
        protocol: "tcp",
        address: "10.99.0.101",
        port: 80,
        mark: null,
        scheduler: "wrr",
        usesSorry: false,
        servers: [
          { address: "10.99.0.21", port: 80, weight: 3, isUp: true, activeConnections: 0 },
          { address: "10.99.0.22", port: 80, weight: 0, isUp: false, activeConnections: 0 },
        ],
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
