import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import { noFooting } from "../../../src/config/footing-plan.ts";
import { forecastFooting, type FootingPresent } from "../../../src/director/footing-forecast.ts";
import { Masquerading } from "../../../src/director/masquerading.ts";
import { rebuiltMarkTable } from "../../../src/kernel/mark-table.ts";
import { markings } from "../../../src/director/marks.ts";
import { FakePacketFilter } from "../../support/fake-packet-filter.ts";

const daemon = {
  interface: "eth1",
  id: 51,
  group: "224.0.0.81",
  port: 8848,
  ttl: 1,
  maxLength: null,
};
const plan = {
  footing: {
    syncDaemon: daemon,
    settings: [
      { path: "net/ipv4/ip_forward", value: "1", onlyFrom: null },
      { path: "net/ipv4/vs/conntrack", value: "1", onlyFrom: null },
    ],
    masquerades: [{ kind: "server", server: "10.98.0.21", interface: "eth0" }],
  },
  marks: [{ mark: 7, family: 4, sockets: [{ protocol: "tcp", address: "192.0.2.1", port: 80 }] }],
} as const;

const running = [
  { role: "master", ...daemon },
  { role: "backup", ...daemon },
] as const;

function refuse(): never {
  throw new SystemError("nf_tables", "EPROTONOSUPPORT");
}

/** A kernel with these settings, and everything else empty but for what `change` says. */
function present(
  settings: Readonly<Record<string, string>>,
  change: Partial<FootingPresent> = {},
): FootingPresent {
  const filter = new FakePacketFilter(() => undefined);
  return {
    readSetting: (path) => {
      const value = { "net/ipv4/conf/all/accept_redirects": "1", ...settings }[path];
      if (value === undefined) throw new SystemError("read", "ENOENT", path);
      return value;
    },
    daemons: () => [],
    filter: () => filter.open(),
    heldSettings: new Set(),
    ownDaemons: new Set(),
    ...change,
  };
}

describe("forecastFooting", () => {
  test("says everything that would be changed, in its order", () => {
    const settings = { "net/ipv4/ip_forward": "0", "net/ipv4/vs/conntrack": "0" };
    expect(forecastFooting(plan, present(settings))).toEqual({
      changes: [
        "net.ipv4.ip_forward is 1, was 0",
        "net.ipv4.vs.conntrack is 1, was 0",
        "packets to tcp 192.0.2.1:80 get the mark 7",
        "masqueraded: 10.98.0.21 through eth0",
        "sync daemon (master on eth1, id 51) started",
        "sync daemon (backup on eth1, id 51) started",
      ],
      problems: [],
    });
  });

  test("says nothing where everything is as it should be", () => {
    const filter = new FakePacketFilter(() => undefined);
    new Masquerading(() => filter.open()).reconcile(plan.footing.masquerades);
    filter.open().apply(rebuiltMarkTable(markings(plan.marks)));
    const settings = { "net/ipv4/ip_forward": "1", "net/ipv4/vs/conntrack": "1" };
    const change = { daemons: () => running, filter: () => filter.open() };
    expect(forecastFooting(plan, present(settings, change))).toEqual({ changes: [], problems: [] });
  });

  test("says what would be taken back, and leaves what is somebody else's", () => {
    const filter = new FakePacketFilter(() => undefined);
    new Masquerading(() => filter.open()).reconcile(plan.footing.masquerades);
    filter.open().apply(rebuiltMarkTable(markings(plan.marks)));
    const change: Partial<FootingPresent> = {
      daemons: () => running,
      filter: () => filter.open(),
      heldSettings: new Set([JSON.stringify(["net/ipv4/ip_forward", "0", "1"])]),
      ownDaemons: new Set(["master"]),
    };
    const nothing = { footing: noFooting, marks: [] };
    expect(forecastFooting(nothing, present({ "net/ipv4/ip_forward": "1" }, change)).changes).toEqual([
      "sync daemon (master on eth1, id 51) stopped",
      "net.ipv4.ip_forward is 0 again",
      "packets are marked no more",
      "connections are masqueraded no more",
    ]);
  });

  test("knows no setting of a module that is not loaded, and says what is in the way", () => {
    const found = forecastFooting(plan, present({}, { filter: refuse }));
    expect(found.changes).toContain("net.ipv4.vs.conntrack is 1, was unknown");
    expect(found.problems).toEqual([
      expect.stringContaining("packets cannot be marked: "),
      expect.stringContaining("net.ipv4.ip_forward: "),
      expect.stringContaining("masquerading: "),
    ]);
  });
});
