import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import type { MarkPlan } from "../../../src/config/service-plan.ts";
import { Marks, type MarkingFilter } from "../../../src/director/marks.ts";
import { markTable } from "../../../src/kernel/mark-table.ts";
import type { NftChange } from "../../../src/kernel/nftables-messages.ts";
import { recordingLog } from "../../support/recording-log.ts";

/** The packet filter as far as one table goes: the comments of its rules and the elements of its sets. */
class OneTable implements MarkingFilter {
  comments(): readonly string[] {
    if (this.isUnreadable) throw new SystemError("netlink", "ENOBUFS");
    return [...this.rules];
  }
  isUnreadable = false;
  canSubscribe = true;
  opened = 0;
  rules: string[] = [];
  sets = new Map<string, Uint8Array[]>();
  applied = 0;
  isThere = false;
  isClosed = false;
  failure: SystemError | null = null;

  elements(_table: string, set: string): readonly Uint8Array[] | null {
    return this.sets.get(set) ?? null;
  }
  apply(changes: readonly NftChange[]): void {
    if (this.failure !== null) throw this.failure;
    this.applied += 1;
    for (const change of changes) this.#carryOut(change);
  }
  removeTable(): "removed" | "absent" {
    const was = this.isThere;
    this.#clear();
    return was ? "removed" : "absent";
  }
  subscribe(): () => void {
    if (!this.canSubscribe) throw new SystemError("setsockopt", "ENOBUFS");
    return () => undefined;
  }
  close(): void {
    this.isClosed = true;
    this.opened -= 1;
  }

  #carryOut(change: NftChange): void {
    expect(change.table).toBe(markTable);
    if (change.kind === "remove-table") this.#clear();
    if (change.kind === "add-table") this.isThere = true;
    if (change.kind === "add-set") this.sets.set(change.set.name, []);
    if (change.kind === "add-rule") this.rules.push(change.rule.comment);
    if (change.kind === "add-elements") this.sets.get(change.set)?.push(...change.keys);
  }
  #clear(): void {
    this.rules = [];
    this.sets.clear();
    this.isThere = false;
  }
}

const web: MarkPlan = {
  mark: 7,
  family: 4,
  sockets: [80, 443].map((port) => ({ protocol: "tcp", address: "192.0.2.1", port })),
};

const domain = { protocol: "udp", address: "2001:db8::1", port: 53 } as const;

function lab(): { readonly marks: Marks; readonly filter: OneTable; readonly said: readonly string[] } {
  const filter = new OneTable();
  const { log, said } = recordingLog();
  return { marks: new Marks({ log, openFilter: () => filter, onNews: () => undefined }), filter, said };
}

function noFilter(): never {
  throw new SystemError("socket", "EPROTONOSUPPORT");
}

describe("Marks", () => {
  test("makes the table, leaves one that is right alone, and makes a changed one anew", () => {
    const { marks, filter } = lab();
    expect(marks.configure([web])).toBeNull();
    expect(filter.rules).toEqual(["mark 7 IPv4"]);
    expect(filter.sets.get("mark-7-ipv4")).toHaveLength(2);
    marks.configure([web]);
    marks.check();
    expect(filter.applied).toBe(1);
    marks.configure([{ ...web, sockets: web.sockets.slice(1) }]);
    expect(filter.applied).toBe(2);
    expect(filter.sets.get("mark-7-ipv4")).toHaveLength(1);
  });

  test("puts back what somebody took, and says so", () => {
    const { marks, filter, said } = lab();
    marks.configure([web]);
    filter.sets.get("mark-7-ipv4")?.pop();
    marks.check();
    expect(filter.sets.get("mark-7-ipv4")).toHaveLength(2);
    expect(said).toEqual(["warning: somebody changed the table edge-ha-mark; its marks are back"]);
  });

  test("removes the table when nothing is to be marked, also one of an earlier process", () => {
    const { marks, filter } = lab();
    filter.isThere = true;
    expect(marks.configure([])).toBeNull();
    expect(filter.isThere).toBe(false);
    marks.configure([web]);
    marks.stop();
    expect(filter.isThere).toBe(false);
    expect(filter.isClosed).toBe(true);
  });

  test("leaves what an earlier process had marked, and nothing where that was nothing", () => {
    const { marks: earlier, filter } = lab();
    earlier.configure([web, { mark: 9, family: 6, sockets: [domain] }]);
    const [rules, sets] = [[...filter.rules], new Map(filter.sets)];
    for (const plans of [[{ ...web, mark: 8 }], []]) {
      const { log } = recordingLog();
      const marks = new Marks({ log, openFilter: () => filter, onNews: () => undefined });
      marks.configure(plans);
      expect(filter.rules).toEqual(plans.map(({ mark }) => `mark ${mark} IPv4`));
      marks.leave();
      expect([filter.rules, filter.sets]).toEqual([rules, sets]);
    }
    // Before a plan they are there as they were.
    new Marks({ log: recordingLog().log, openFilter: () => filter, onNews: () => undefined }).leave();
    expect([filter.rules, filter.sets]).toEqual([rules, sets]);
    const { marks: first, filter: empty } = lab();
    first.configure([web]);
    first.leave();
    expect(empty.isThere).toBe(false);
  });

  test("leaves what an earlier process had marked where that could not be read", () => {
    const { marks: earlier, filter } = lab();
    earlier.configure([web]);
    const marks = new Marks({ log: recordingLog().log, openFilter: () => filter, onNews: () => undefined });
    filter.isUnreadable = true;
    expect(marks.configure([{ ...web, mark: 8 }])).toContain("ENOBUFS");
    marks.leave();
    expect([filter.isThere, filter.rules]).toEqual([true, ["mark 7 IPv4"]]);
  });

  test("closes a packet filter that does not tell of changes, at each attempt", () => {
    const { filter } = lab();
    const openFilter = (): MarkingFilter => {
      filter.opened += 1;
      return filter;
    };
    const marks = new Marks({ log: recordingLog().log, openFilter, onNews: () => undefined });
    filter.canSubscribe = false;
    for (const again of [7, 8]) expect(marks.configure([{ ...web, mark: again }])).toContain("ENOBUFS");
    expect(filter.opened).toBe(0);
    filter.canSubscribe = true;
    expect(marks.configure([web])).toBeNull();
    expect(filter.opened).toBe(1);
  });

  test("refuses a plan where there is no packet filter, and needs none for a plan without marks", () => {
    const { log } = recordingLog();
    const marks = new Marks({ log, openFilter: noFilter, onNews: () => undefined });
    expect(marks.configure([])).toBeNull();
    expect(marks.configure([web])).toContain("load the kernel module nf_tables");
  });

  test("tells what it marks, and whether that is in force", () => {
    const { marks, filter } = lab();
    expect(marks.status()).toEqual([]);
    marks.configure([web]);
    const status = { mark: 7, family: 4, places: ["tcp 192.0.2.1:80", "tcp 192.0.2.1:443"] } as const;
    expect(marks.status()).toEqual([{ ...status, isInForce: true }]);
    filter.rules = [];
    expect(marks.status()).toEqual([{ ...status, isInForce: false }]);
  });

  test("says once that it cannot mark", () => {
    const { marks, filter, said } = lab();
    marks.configure([web]);
    filter.rules = [];
    filter.failure = new SystemError("nf_tables", "EPERM");
    marks.check();
    marks.check();
    expect(said).toHaveLength(1);
  });
});
