import { describe, expect, spyOn, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import type { IpvsService } from "../../../src/kernel/ipvs.ts";
import { desiredTable } from "../../../src/director/table.ts";
import { directorLab as lab, key, plan } from "../../support/director-lab.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedServer, plannedService, plannedTarget } from "../../support/ipvs-services.ts";

/** Services in an order that does not go by when they came. */
function sorted(services: readonly IpvsService[]): readonly string[] {
  return services.map((service) => JSON.stringify(service)).toSorted();
}

/** A table that cannot be read so many times. */
class UnreadableIpvs extends FakeIpvs {
  failures = 0;

  override services(): IpvsService[] {
    if (this.failures === 0) return super.services();
    this.failures--;
    throw new SystemError("netlink", "ENOBUFS");
  }
}

const idle = { drain: null, activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 };

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

  test("remembers what it knew, and tells what has happened, when a new plan is refused", () => {
    const quorum = { weight: 2, hysteresis: 0, up: null, down: null, endsOnStop: false };
    const servers = ["21", "22"].map((part) => plannedServer(`10.99.0.${part}`, { slowStartMs: 10_000 }));
    const web = plannedService({ scheduler: "rr", quorum, servers });
    const { director, kernel, down, told } = lab();
    director.configure(plan(web));
    down.add("probe 21");
    director.reconcile();
    kernel.schedulers = new Set(["rr"]);
    down.clear();
    const lower = { ...web, quorum: { ...quorum, weight: 1 } };
    expect(director.configure(plan(lower, plannedService({ address: "10.99.0.102" })))).not.toBeNull();
    expect(told).toEqual(["web up", "web down"]);
    director.reconcile();
    expect(told).toEqual(["web up", "web down", "web up"]);
    expect(director.isWaiting).toBe(true);
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

  test("leaves the table that it found when its first plan is refused", () => {
    const kernel = new FakeIpvs(desiredTable([plannedService({ scheduler: "rr" })], () => true));
    kernel.schedulers = new Set(["rr"]);
    const { director, journal } = lab({ kernel, owned: [key] });
    const before = kernel.services();
    const bad = plannedService({ address: "10.99.0.102" });
    expect(director.configure(plan(plannedService({ scheduler: "rr" }), bad))).toContain("ip_vs_wrr");
    expect(kernel.services()).toEqual(before);
    expect(journal.entries.has(key)).toBe(true);
  });

  test("puts everything back when its first plan is refused, and leaves it for whoever comes next", () => {
    const rr = plannedService({ scheduler: "rr" });
    const gone = plannedService({ scheduler: "rr", address: "10.99.0.109" });
    const foreign = plannedService({ scheduler: "rr", address: "10.99.0.110" });
    const kernel = new FakeIpvs(desiredTable([rr, gone, foreign], () => true));
    kernel.schedulers = new Set(["rr"]);
    const owned = [key, "tcp 10.99.0.109:80"];
    const { director, journal } = lab({ kernel, owned });
    const before = kernel.services();
    const changed = plannedService({ scheduler: "rr", servers: [plannedServer("10.99.0.29")] });
    const added = plannedService({ scheduler: "rr", address: "10.99.0.102" });
    const bad = plannedService({ address: "10.99.0.103" });
    expect(director.configure(plan(changed, added, foreign, bad))).toContain("ip_vs_wrr");
    expect(kernel.changes).toContain("removeService tcp 10.99.0.109:80");
    expect(sorted(kernel.services())).toEqual(sorted(before));
    expect([...journal.entries]).toEqual(owned);
    expect(director.leave()).toBe(2);
    expect(sorted(kernel.services())).toEqual(sorted(before));
    expect(kernel.isClosed).toBeTrue();
  });

  test("leaves what it found after a start that something else refused, and nothing where it found nothing", () => {
    const kernel = new FakeIpvs(desiredTable([plannedService()], () => true));
    const { director } = lab({ kernel, owned: [key] });
    expect(director.configure(plan(plannedService({ address: "10.99.0.102" })))).toBeNull();
    expect(director.leave()).toBe(1);
    expect(kernel.services()).toEqual([...desiredTable([plannedService()], () => true)]);
    const { director: first, kernel: empty, told } = lab();
    const quorum = { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: true };
    first.configure(plan(plannedService({ quorum })));
    expect(first.leave()).toBe(0);
    first.stop();
    expect(empty.services()).toEqual([]);
    expect(told).toEqual(["web up", "web down"]);
  });

  test("leaves what is there after a start that was refused before it had a plan", () => {
    const kernel = new FakeIpvs(desiredTable([plannedService()], () => true));
    const { director, journal } = lab({ kernel, owned: [key] });
    expect(director.leave()).toBe(1);
    expect(kernel.services()).toEqual([...desiredTable([plannedService()], () => true)]);
    expect([...journal.entries]).toEqual([key]);
    expect(lab().director.leave()).toBe(0);
  });

  test.each([1, 2])(
    "leaves what is there where that could not be read before its first plan (%p times)",
    (times) => {
      const kernel = new UnreadableIpvs(desiredTable([plannedService()], () => true));
      const { director, journal, said } = lab({ kernel, owned: [key] });
      kernel.failures = times;
      expect(director.configure(plan(plannedService({ address: "10.99.0.102" })))).toContain(
        "cannot be read",
      );
      expect(director.leave()).toBe(1);
      expect(kernel.changes).toEqual([]);
      expect([...journal.entries]).toEqual([key]);
      expect(said.filter((line) => line.startsWith("error"))).toHaveLength(1);
    },
  );

  test("says that nothing is left of an earlier process where that could be read in the end", () => {
    const kernel = new UnreadableIpvs();
    const { director } = lab({ kernel, owned: [key] });
    kernel.failures = 1;
    expect(director.configure(plan(plannedService()))).toContain("cannot be read");
    expect(director.leave()).toBe(0);
  });

  test("removes what the one before made at the next look where the table could not be read", () => {
    const kernel = new UnreadableIpvs(desiredTable([plannedService()], () => true));
    const { director, journal } = lab({ kernel, owned: [key] });
    kernel.failures = 1;
    expect(director.configure(plan())).toBeNull();
    expect(kernel.changes).toEqual([]);
    director.reconcile();
    expect(kernel.services()).toEqual([]);
    expect(journal.entries.size).toBe(0);
    expect(director.leave()).toBe(0);
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

  test("removes before any plan what an earlier process has left, and nothing of others", () => {
    const foreign = plannedService({ address: "10.99.0.150" });
    const kernel = new FakeIpvs(desiredTable([plannedService(), foreign], () => true));
    const { director, journal } = lab({ kernel, owned: [key] });
    director.stop();
    expect(kernel.services().map((service) => service.key)).toEqual(
      desiredTable([foreign], () => true).map((service) => service.key),
    );
    expect(journal.entries.size).toBe(0);
  });
});

test("that the table cannot be read is said once, for as long as that is so", () => {
  const { director, kernel, said } = lab();
  director.configure(plan(plannedService()));
  const failing = new SystemError("IPVS_CMD_GET_SERVICE", "EINTR");
  const read = spyOn(kernel, "services").mockImplementation(() => {
    throw failing;
  });
  for (let look = 0; look < 3; look++) director.reconcile();
  read.mockRestore();
  director.reconcile();
  expect(said.filter((line) => line.includes("IPVS table"))).toEqual([
    "error: the IPVS table cannot be read: IPVS_CMD_GET_SERVICE: EINTR",
    "error: the IPVS table is not as it should be: the kernel's table cannot be read",
    "notice: the IPVS table is as it should be again",
  ]);
});

describe("a service that somebody else made, and a plan names too", () => {
  const foreign = desiredTable([plannedService({ address: "10.99.0.150", servers: [] })], () => true);
  const taken = plannedService({ address: "10.99.0.150" });

  test("is as it was after a reload that the kernel has refused", () => {
    const { director, kernel, journal } = lab({ kernel: new FakeIpvs(foreign) });
    director.configure(plan(plannedService()));
    const unknown = plannedService({ address: "10.99.0.102", scheduler: "lblc" });
    expect(director.configure(plan(plannedService(), taken, unknown))).toContain("no scheduler lblc");
    expect(sorted(kernel.services())).toEqual(
      sorted([...foreign, ...desiredTable([plannedService()], () => true)]),
    );
    expect([...journal.entries]).toEqual([key]);
    director.reconcile();
    expect(kernel.services()).toHaveLength(2);
  });

  test("is this node's once the plan is in force", () => {
    const { director, kernel } = lab({ kernel: new FakeIpvs(foreign) });
    director.configure(plan(plannedService(), taken));
    director.configure(plan(plannedService()));
    expect(kernel.services().map((service) => service.key)).toEqual(
      desiredTable([plannedService()], () => true).map((service) => service.key),
    );
  });
});
