import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import { noFooting, type FootingPlan, type SyncDaemonPlan } from "../../../src/config/footing-plan.ts";
import { Footing } from "../../../src/director/footing.ts";
import { Masquerading } from "../../../src/director/masquerading.ts";
import { SyncDaemons } from "../../../src/director/sync-daemons.ts";
import { HeldSettings } from "../../../src/kernel/held-settings.ts";
import { masqueradeTable } from "../../../src/kernel/masquerade-table.ts";
import { FakePacketFilter } from "../../support/fake-packet-filter.ts";
import { recordingLog } from "../../support/recording-log.ts";
import { FakeSyncDaemons } from "../../support/fake-sync-daemons.ts";

const daemon: SyncDaemonPlan = {
  interface: "eth1",
  id: 51,
  group: "224.0.0.81",
  port: 8848,
  ttl: 1,
  maxLength: null,
};

class FakeJournal {
  entries: ReadonlySet<string> = new Set();
  isBroken = false;

  note(entries: ReadonlySet<string>): void {
    this.entries = entries;
    if (this.isBroken) throw new SystemError("write", "ENOSPC", "journal.json");
  }
}

/** A kernel with what a footing changes in it; `start` is a process that begins to work with it. */
function lab() {
  const sync = new FakeSyncDaemons();
  const filter = new FakePacketFilter(() => undefined);
  const values = new Map([
    ["net/ipv4/ip_forward", "0"],
    ["net/ipv4/conf/all/accept_redirects", "1"],
  ]);
  const journals = { settings: new FakeJournal(), daemons: new FakeJournal() };
  const { log, said } = recordingLog();
  const port = {
    read: (path: string) => values.get(path) ?? "",
    write: (path: string, value: string) => void values.set(path, value),
  };
  const opens = { sync: 0, failures: 0 };
  const start = (): Footing =>
    new Footing({
      settings: new HeldSettings(port, journals.settings),
      daemons: new SyncDaemons(journals.daemons),
      masquerading: new Masquerading(() => filter.open()),
      openSync: () => {
        opens.sync += 1;
        if (opens.failures-- > 0) throw new SystemError("netlink", "ENOBUFS");
        return sync;
      },
      log,
    });
  return { sync, filter, values, journals, said, start, opens, log };
}

function enter(footing: Footing, plan: FootingPlan): void {
  expect(footing.change(plan, () => null)).toBeNull();
}

test("a process that leaves before it had a plan leaves what an earlier one has set", () => {
  const { start, sync, values, journals } = lab();
  const plan = { ...noFooting, syncDaemon: daemon };
  enter(start(), { ...plan, settings: [{ path: "net/ipv4/ip_forward", value: "1", onlyFrom: null }] });
  start().leave();
  expect(values.get("net/ipv4/ip_forward")).toBe("1");
  expect(sync.daemons()).toHaveLength(2);
  expect([journals.settings.entries.size, journals.daemons.entries.size]).toEqual([1, 2]);
});

test("a process whose first plan is refused leaves sync daemons that it could not ask for before", () => {
  const { start, sync, opens } = lab();
  enter(start(), synced);
  opens.failures = 1;
  expect(start().change(synced, () => "refused")).toBe("refused");
  expect([...sync.running.keys()]).toEqual(["master", "backup"]);
  expect(sync.changes).toHaveLength(2);
});

const synced: FootingPlan = { ...noFooting, syncDaemon: daemon };

describe("sync daemons", () => {
  test("run in both directions, and are stopped at the end", () => {
    const { sync, start } = lab();
    const footing = start();
    enter(footing, synced);
    footing.reconcile();
    expect([...sync.running.keys()]).toEqual(["master", "backup"]);
    expect(footing.stop()).toEqual([
      "sync daemon (master on eth1, id 51) stopped",
      "sync daemon (backup on eth1, id 51) stopped",
    ]);
    expect(sync.running.size).toBe(0);
    expect(sync.changes).toHaveLength(4);
  });

  test("run where the journal cannot be written, and that is said once", () => {
    const { sync, start, journals, said } = lab();
    journals.daemons.isBroken = true;
    const footing = start();
    enter(footing, synced);
    footing.reconcile();
    expect([...sync.running.keys()]).toEqual(["master", "backup"]);
    const problem =
      "which sync daemons run cannot be noted, a crash would leave them: write journal.json: ENOSPC";
    expect(footing.status().problems).toEqual([problem]);
    const errors = said.filter((line) => line.startsWith("error"));
    expect(errors).toEqual([`error: what the kernel's services stand on is not as it should be: ${problem}`]);
    journals.daemons.isBroken = false;
    footing.reconcile();
    expect([footing.status().problems, journals.daemons.entries.size]).toEqual([[], 2]);
    journals.daemons.isBroken = true;
    footing.stop();
    expect(sync.running.size).toBe(0);
    expect(said.at(-1)).toBe(`error: stays behind: ${problem}`);
  });

  test("that somebody stopped are started again", () => {
    const { sync, start } = lab();
    const footing = start();
    enter(footing, synced);
    sync.running.delete("backup");
    footing.reconcile();
    expect(sync.running.get("backup")).toMatchObject({ interface: "eth1", id: 51 });
    expect(sync.changes).toEqual(["start master", "start backup", "start backup"]);
  });

  test("are left as they are by the process that comes after a crash", () => {
    const { sync, start } = lab();
    enter(start(), synced);
    enter(start(), synced);
    expect(sync.changes).toHaveLength(2);
  });

  test("are changed in place, and stopped before services change that they are in the way of", () => {
    const { sync, start } = lab();
    const footing = start();
    enter(footing, synced);
    footing.change({ ...synced, syncDaemon: { ...daemon, id: 52 } }, () => {
      expect(sync.running.size).toBe(0);
      return null;
    });
    expect([...sync.running.values()].map(({ id }) => id)).toEqual([52, 52]);
  });

  test("of somebody else stay, and are named", () => {
    const { sync, start, said } = lab();
    const foreign = { role: "master", ...daemon, interface: "eth0", id: 7 } as const;
    sync.running.set("master", foreign);
    const footing = start();
    enter(footing, synced);
    expect(said.at(-1)).toContain("master on eth0, id 7) that is not this node's is in the way");
    expect(said.at(-1)).toContain("ipvsadm --stop-daemon master");
    const lines = said.length;
    footing.reconcile();
    expect(said).toHaveLength(lines);
    footing.stop();
    expect([...sync.running.values()]).toEqual([foreign]);
  });

  test("on an interface that is not there yet are tried again", () => {
    const { sync, start, said } = lab();
    const footing = start();
    enter(footing, { ...synced, syncDaemon: { ...daemon, interface: "eth7" } });
    expect(said.at(-1)).toContain("ENODEV");
    (sync.interfaces as Set<string>).add("eth7");
    footing.reconcile();
    expect(sync.running.size).toBe(2);
    expect(said.at(-1)).toEndWith("as it should be again");
  });
});

describe("masquerading", () => {
  const wanted: FootingPlan = {
    ...noFooting,
    masquerades: [
      { kind: "server", server: "10.98.0.21", interface: "eth0" },
      { kind: "socket", protocol: "udp", address: "2001:db8::100", port: 53 },
      { kind: "mark", mark: 7, server: "10.98.0.22" },
    ],
  };

  test("has a rule for each of them, made again when somebody flushes them, removed at the end", () => {
    const { filter, start } = lab();
    const footing = start();
    enter(footing, wanted);
    const comments = [
      "10.98.0.21 through eth0",
      "clients of udp [2001:db8::100]:53",
      "clients of fwmark 7 at 10.98.0.22",
    ];
    expect(filter.tables.get(masqueradeTable)?.comments).toEqual(comments);
    filter.flush();
    footing.reconcile();
    expect(filter.tables.get(masqueradeTable)?.comments).toEqual(comments);
    expect(footing.stop()).toEqual(["connections are masqueraded no more"]);
    expect(filter.tables.size).toBe(0);
  });

  test("of a process that was killed is removed by one that wants none", () => {
    const { filter, start } = lab();
    enter(start(), wanted);
    enter(start(), noFooting);
    expect(filter.tables.size).toBe(0);
  });

  test("in a kernel without a packet filter is a problem only where it is wanted", () => {
    const { filter, start, said } = lab();
    filter.isThere = false;
    const footing = start();
    enter(footing, noFooting);
    expect(said).toEqual([]);
    enter(footing, wanted);
    expect(said.at(-1)).toContain("masquerading: ");
  });

  test("that could not be ended is ended as soon as that works", () => {
    const { start, filter, said } = lab();
    const footing = start();
    const masquerades = [{ kind: "server" as const, server: "10.98.0.21", interface: "eth0" }];
    enter(footing, { ...noFooting, masquerades });
    filter.isThere = false;
    enter(footing, noFooting);
    expect(said.at(-1)).toContain("masquerading: ");
    filter.isThere = true;
    footing.reconcile();
    expect(filter.tables.has(masqueradeTable)).toBe(false);
    expect(footing.status().problems).toEqual([]);
  });
});

describe("a footing", () => {
  test("tells what it has changed, and what others run", () => {
    const { start, sync } = lab();
    const footing = start();
    expect(footing.status()).toEqual({ settings: [], syncDaemons: [], masquerades: [], problems: [] });
    sync.running.set("backup", { role: "backup", ...daemon, id: 7 });
    const settings = [
      { path: "net/ipv4/ip_forward", value: "1", onlyFrom: null },
      { path: "net/ipv4/conf/all/accept_redirects", value: "1", onlyFrom: null },
    ];
    const masquerades = [{ kind: "server", server: "10.98.0.21", interface: "eth0" }] as const;
    enter(footing, { ...synced, settings, masquerades });
    const { interface: on, id, group, port, ttl } = daemon;
    expect(footing.status()).toEqual({
      settings: [{ name: "net.ipv4.ip_forward", value: "1", before: "0" }],
      syncDaemons: [
        { role: "backup", interface: on, id: 7, group, port, ttl, isForeign: true },
        { role: "master", interface: on, id, group, port, ttl, isForeign: false },
      ],
      masquerades: ["10.98.0.21 through eth0"],
      problems: [expect.stringContaining("is in the way")],
    });
  });

  test("asks nothing of IPVS that is not needed", () => {
    const { start, opens } = lab();
    const footing = start();
    enter(footing, noFooting);
    footing.stop();
    expect(opens.sync).toBe(0);
  });

  test("holds settings, and puts them back when a plan needs them no more", () => {
    const { start, values, journals } = lab();
    const footing = start();
    const settings = [{ path: "net/ipv4/ip_forward", value: "1", onlyFrom: null }];
    enter(footing, { ...noFooting, settings });
    expect(values.get("net/ipv4/ip_forward")).toBe("1");
    enter(footing, noFooting);
    expect(values.get("net/ipv4/ip_forward")).toBe("0");
    expect(journals.settings.entries.size).toBe(0);
  });

  test("stays as it was when the services are refused", () => {
    const { start, values, sync } = lab();
    const footing = start();
    enter(footing, synced);
    const settings = [{ path: "net/ipv4/ip_forward", value: "1", onlyFrom: null }];
    expect(footing.change({ ...noFooting, settings }, () => "no such scheduler")).toBe("no such scheduler");
    expect(values.get("net/ipv4/ip_forward")).toBe("0");
    expect(sync.running.size).toBe(2);
    expect(footing.stop()).toHaveLength(2);
  });

  test("of an earlier process stays when the first services are refused", () => {
    const { start, values, sync, filter } = lab();
    const settings = [{ path: "net/ipv4/ip_forward", value: "1", onlyFrom: null }];
    const masquerades = [{ kind: "server" as const, server: "10.98.0.21", interface: "eth0" }];
    const whole = { ...synced, settings, masquerades };
    enter(start(), whole);
    const next = start();
    expect(next.change(whole, () => "no such scheduler")).toBe("no such scheduler");
    next.reconcile();
    expect(values.get("net/ipv4/ip_forward")).toBe("1");
    expect(sync.changes).toHaveLength(2);
    expect(filter.tables.has(masqueradeTable)).toBe(true);
    expect(next.stop()).toHaveLength(4);
  });

  test("of an earlier process is put back when the first services are refused", () => {
    const { start, values, sync } = lab();
    const settings = [{ path: "net/ipv4/ip_forward", value: "1", onlyFrom: null }];
    enter(start(), { ...synced, settings });
    const next = start();
    const other = { ...noFooting, settings: [{ path: "net/ipv4/vs/conntrack", value: "1", onlyFrom: null }] };
    expect(next.change(other, () => "no such scheduler")).toBe("no such scheduler");
    expect(values.get("net/ipv4/ip_forward")).toBe("1");
    expect(values.get("net/ipv4/vs/conntrack")).toBe("");
    expect([...sync.running.values()].map(({ id }) => id)).toEqual([51, 51]);
    // Whoever comes next knows what was there before all of them.
    start().stop();
    expect(values.get("net/ipv4/ip_forward")).toBe("0");
    expect(sync.running.size).toBe(0);
  });

  test("of a kernel without IPVS is told of, once", () => {
    const { said, journals, log } = lab();
    const footing = new Footing({
      settings: new HeldSettings({ read: () => "", write: () => undefined }, journals.settings),
      daemons: new SyncDaemons(journals.daemons),
      masquerading: { reconcile: () => ({ changes: [], problems: [] }), status: () => [] },
      openSync: () => {
        throw new SystemError("CTRL_CMD_GETFAMILY", "ENOENT", "IPVS");
      },
      log,
    });
    enter(footing, synced);
    footing.reconcile();
    expect(said).toHaveLength(1);
  });
});
