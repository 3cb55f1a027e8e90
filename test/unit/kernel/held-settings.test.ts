import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { SystemError } from "../../../src/base/system-error.ts";
import { HeldSettings, type HeldSetting } from "../../../src/kernel/held-settings.ts";

const forward = "net/ipv4/ip_forward";
const redirects = "net/ipv4/conf/all/accept_redirects";
const sloppy = "net/ipv4/vs/sloppy_tcp";

/** A kernel's settings in memory; `ip_forward` changes another by the way, as the real one does. */
class FakeSettings {
  readonly values: Map<string, string>;
  readonly writes: string[] = [];

  constructor(values: Readonly<Record<string, string>>) {
    this.values = new Map(Object.entries(values));
  }

  read(path: string): string {
    const value = this.values.get(path);
    if (value === undefined) throw new SystemError("read", "ENOENT", `/proc/sys/${path}`);
    return value;
  }

  write(path: string, value: string): void {
    this.read(path);
    this.writes.push(`${path} ${value}`);
    this.values.set(path, value);
    if (path === forward) this.values.set(redirects, value === "1" ? "0" : "1");
  }
}

class FakeJournal {
  entries: ReadonlySet<string> = new Set();
  isBroken = false;

  note(entries: ReadonlySet<string>): void {
    this.entries = entries;
    if (this.isBroken) throw new SystemError("write", "ENOSPC", "settings.json");
  }
}

function want(path: string, value: string, onlyFrom: string | null = null): HeldSetting {
  return { path, value, onlyFrom };
}

function lab(values: Readonly<Record<string, string>>) {
  const kernel = new FakeSettings(values);
  const journal = new FakeJournal();
  return { kernel, journal, settings: new HeldSettings(kernel, journal) };
}

describe("held settings", () => {
  test("that are wanted only from one value need not be there", () => {
    const { kernel, settings } = lab({});
    expect(settings.hold([want(sloppy, "1", "0")])).toEqual({ changes: [], problems: [] });
    expect(settings.hold([want(sloppy, "1")]).problems).toHaveLength(1);
    kernel.values.set(sloppy, "2");
    expect(settings.hold([want(sloppy, "1", "0")])).toEqual({ changes: [], problems: [] });
  });

  test("are set where the journal cannot be written: services go before what a crash may leave", () => {
    const { journal, kernel, settings } = lab({ [sloppy]: "0" });
    journal.isBroken = true;
    const { changes, problems } = settings.hold([want(sloppy, "1")]);
    expect([changes.length, kernel.values.get(sloppy)]).toEqual([1, "1"]);
    const told = "what settings were cannot be noted, a crash would leave them: write settings.json: ENOSPC";
    expect(problems).toEqual([told]);
    expect(settings.hold([want(sloppy, "1")])).toEqual({ changes: [], problems: [told] });
    journal.isBroken = false;
    expect(settings.hold([want(sloppy, "1")]).problems).toEqual([]);
    settings.hold([]);
    expect(kernel.values.get(sloppy)).toBe("0");
  });

  test("are set while they are wanted and put back afterwards", () => {
    const { kernel, journal, settings } = lab({ [sloppy]: "0" });
    expect(settings.hold([want(sloppy, "1")])).toEqual({
      changes: ["net.ipv4.vs.sloppy_tcp is 1, was 0"],
      problems: [],
    });
    expect(settings.hold([want(sloppy, "1")]).changes).toEqual([]);
    expect(settings.hold([]).changes).toEqual(["net.ipv4.vs.sloppy_tcp is 0 again"]);
    expect(kernel.writes).toEqual([`${sloppy} 1`, `${sloppy} 0`]);
    expect(journal.entries.size).toBe(0);
  });

  test("that are right already are nobody's to put back", () => {
    const { kernel, settings } = lab({ [sloppy]: "1" });
    settings.hold([want(sloppy, "1")]);
    expect(settings.held).toEqual([]);
    settings.hold([]);
    expect(kernel.writes).toEqual([]);
  });

  test("that somebody else has changed stay as he wants them", () => {
    const { kernel, journal, settings } = lab({ "net/ipv4/vs/sync_threshold": "3\t50" });
    settings.hold([want("net/ipv4/vs/sync_threshold", "4 60")]);
    kernel.values.set("net/ipv4/vs/sync_threshold", "5\t70");
    expect(settings.hold([]).changes).toEqual([]);
    expect(kernel.values.get("net/ipv4/vs/sync_threshold")).toBe("5\t70");
    expect(journal.entries.size).toBe(0);
  });

  test("that somebody else has changed while they are wanted are set again, and his value comes afterwards", () => {
    const { kernel, settings } = lab({ "ipvs/tcp": "900" });
    settings.hold([want("ipvs/tcp", "600")]);
    kernel.values.set("ipvs/tcp", "300");
    expect(settings.hold([want("ipvs/tcp", "600")]).changes).toEqual(["IPVS timeout tcp is 600, was 300"]);
    settings.hold([]);
    expect(kernel.values.get("ipvs/tcp")).toBe("300");
  });

  test("are put back by a process that comes after a crash, to what the first one found", () => {
    const { kernel, journal, settings } = lab({ [sloppy]: "0", "ipvs/tcp": "900" });
    settings.hold([want(sloppy, "1"), want("ipvs/tcp", "600")]);
    const next = new HeldSettings(kernel, journal);
    next.hold([want(sloppy, "1"), want("ipvs/tcp", "700")]);
    expect(kernel.values.get("ipvs/tcp")).toBe("700");
    new HeldSettings(kernel, journal).hold([]);
    expect([...kernel.values]).toEqual([
      [sloppy, "0"],
      ["ipvs/tcp", "900"],
    ]);
  });

  test("are noted before they are changed", () => {
    const { kernel, journal, settings } = lab({ [sloppy]: "0" });
    kernel.write = () => {
      expect([...journal.entries]).toEqual([JSON.stringify([sloppy, "0", "1"])]);
      throw new SystemError("write", "EROFS", sloppy);
    };
    expect(settings.hold([want(sloppy, "1")]).problems[0]).toStartWith("net.ipv4.vs.sloppy_tcp: ");
    // It was never changed, and there is nothing to put back.
    expect(settings.hold([])).toEqual({ changes: [], problems: [] });
    expect(settings.held).toEqual([]);
  });

  test("with a condition are changed from that one value only", () => {
    const path = "net/ipv6/conf/eth0/accept_ra";
    const off = lab({ [path]: "0" });
    off.settings.hold([want(path, "2", "1")]);
    expect(off.kernel.writes).toEqual([]);
    const on = lab({ [path]: "1" });
    on.settings.hold([want(path, "2", "1")]);
    on.settings.hold([]);
    expect(on.kernel.writes).toEqual([`${path} 2`, `${path} 1`]);
  });

  test("leave alone what the kernel changes by the way", () => {
    for (const before of ["0", "1"]) {
      const { kernel, settings } = lab({ [forward]: "0", [redirects]: before });
      settings.hold([want(forward, "1")]);
      expect(kernel.values.get(redirects)).toBe(before);
      settings.hold([]);
      expect([...kernel.values]).toEqual([
        [forward, "0"],
        [redirects, before],
      ]);
    }
  });

  test("of an interface that has gone are forgotten", () => {
    const { kernel, settings } = lab({ [sloppy]: "0" });
    settings.hold([want(sloppy, "1")]);
    kernel.values.clear();
    expect(settings.hold([]).problems).toEqual([]);
    expect(settings.held).toEqual([]);
  });

  test("that the kernel does not have are a problem, and no reason to leave out the others", () => {
    const { kernel, settings } = lab({ [sloppy]: "0" });
    const { problems } = settings.hold([want("net/ipv4/vs/est_nice", "1"), want(sloppy, "1")]);
    expect(problems).toHaveLength(1);
    expect(kernel.values.get(sloppy)).toBe("1");
  });

  test("are all as they were after any sequence of wishes, crashes in between", () => {
    const paths = ["a", "b", "c"];
    const wish = fc.uniqueArray(
      fc.record({
        path: fc.constantFrom(...paths),
        value: fc.constantFrom("0", "1", "2"),
        onlyFrom: fc.constantFrom(null, "1"),
      }),
      { selector: ({ path }) => path },
    );
    const start = fc.record({
      a: fc.constantFrom("0", "1"),
      b: fc.constantFrom("0", "1"),
      c: fc.constant("2"),
    });
    fc.assert(
      fc.property(start, fc.array(wish), (values, wishes) => {
        const { kernel, journal } = lab(values);
        for (const wanted of wishes) new HeldSettings(kernel, journal).hold(wanted);
        new HeldSettings(kernel, journal).hold([]);
        expect(Object.fromEntries(kernel.values)).toEqual(values);
        expect(journal.entries.size).toBe(0);
      }),
    );
  });
});
