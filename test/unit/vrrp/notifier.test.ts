import { describe, expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import type { NotifyPlan, NotifyScriptPlan } from "../../../src/config/node-plan.ts";
import type { Program } from "../../../src/base/program.ts";
import type { ScriptResult } from "../../../src/vrrp/host.ts";
import type { Notice } from "../../../src/vrrp/notice.ts";
import { Notifier } from "../../../src/vrrp/notifier.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const plan: NotifyPlan = {
  node: "lb1",
  script: { command: ["/bin/notify", "first"], timeoutMs: 30_000, user: null },
  fifo: "/run/notify",
};

const program = (name: string): NotifyScriptPlan => ({
  command: [name, "own"],
  timeoutMs: 5000,
  user: "nobody",
});

const notice = (name: string, state: Notice["state"], more: Partial<Notice> = {}): Notice => ({
  kind: "INSTANCE",
  name,
  state,
  priority: 254,
  reason: "192.0.2.11 resigned",
  peer: "192.0.2.11",
  addresses: ["192.0.2.100/24", "192.0.2.101/24"],
  ...more,
});

/** A notifier whose scripts end when the test says so. */
class Bench {
  readonly clock = new FakeClock();
  readonly running: { readonly script: Program; readonly end: (result: ScriptResult) => void }[] = [];
  readonly started: string[] = [];
  readonly lines: string[] = [];
  readonly log: string[] = [];
  fifoProblem: string | null = null;
  readonly notifier: Notifier;

  constructor(of: NotifyPlan = plan) {
    const keep = (line: string): void => void this.log.push(line);
    this.notifier = new Notifier({
      host: {
        clock: this.clock,
        resolveUser: () => ({ uid: 1, gid: 2 }),
        openFifo: () => ({
          write: (line) => {
            if (this.fifoProblem === null) this.lines.push(line);
            return this.fifoProblem;
          },
          close: () => undefined,
        }),
        runScript: (script) => {
          this.started.push(script.command.slice(2).join(" "));
          return new Promise((resolve) => {
            const entry = {
              script,
              end: (result: ScriptResult): void => {
                this.running.splice(this.running.indexOf(entry), 1);
                resolve(result);
              },
            };
            this.running.push(entry);
            script.signal?.addEventListener("abort", () =>
              entry.end({ hasSucceeded: false, text: "killed" }),
            );
          });
        },
      },
      log: { ...silentLog, notice: keep, warning: keep },
    });
    this.notifier.prepare(of)();
  }

  /** Lets everything happen that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let round = 0; round < 10; round++) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      this.clock.advance(10);
    }
  }

  async end(result: ScriptResult = { hasSucceeded: true, text: "exit status 0" }): Promise<void> {
    this.running[0]?.end(result);
    await this.settle();
  }
}

describe("Notifier", () => {
  test("runs one script at a time for each instance, in order", async () => {
    const bench = new Bench();
    bench.notifier.tell(notice("a", "BACKUP"));
    bench.notifier.tell(notice("a", "MASTER"));
    bench.notifier.tell(notice("b", "BACKUP", { priority: 100 }));
    expect(bench.started).toEqual([]);
    await bench.settle();
    expect(bench.started).toEqual(["INSTANCE a BACKUP 254", "INSTANCE b BACKUP 100"]);
    await bench.end();
    expect(bench.started).toEqual([
      "INSTANCE a BACKUP 254",
      "INSTANCE b BACKUP 100",
      "INSTANCE a MASTER 254",
    ]);
  });

  test("runs a group's script once those of its members have ended", async () => {
    const bench = new Bench();
    bench.notifier.tell(notice("a", "MASTER"));
    bench.notifier.tell(notice("b", "MASTER"));
    bench.notifier.tell(notice("g", "MASTER", { kind: "GROUP", priority: 0 }), null, ["a", "b"]);
    await bench.settle();
    await bench.end();
    expect(bench.started).toEqual(["INSTANCE a MASTER 254", "INSTANCE b MASTER 254"]);
    await bench.end();
    expect(bench.started.slice(2)).toEqual(["GROUP g MASTER 0"]);
  });

  test("gives the script its own arguments first, a timeout and an environment", async () => {
    const bench = new Bench();
    bench.notifier.tell(notice("a", "MASTER"));
    await bench.settle();
    expect(bench.running[0]?.script).toMatchObject({
      command: ["/bin/notify", "first", "INSTANCE", "a", "MASTER", "254"],
      timeoutMs: 30_000,
      user: { uid: 1, gid: 2 },
      environment: {
        EDGE_HA_NODE: "lb1",
        EDGE_HA_REASON: "192.0.2.11 resigned",
        EDGE_HA_PEER: "192.0.2.11",
        EDGE_HA_ADDRESSES: "192.0.2.100/24 192.0.2.101/24",
      },
    });
  });

  test("runs the programs of one instance before the one for all: that of the state as it is written, then the one that is told", async () => {
    const bench = new Bench();
    const own = {
      master: program("/bin/master"),
      backup: program("/bin/backup"),
      fault: null,
      stop: null,
      script: program("/bin/own"),
    };
    bench.notifier.prepare(plan, [own])();
    bench.notifier.tell(notice("a", "MASTER"), own);
    bench.notifier.tell(notice("a", "FAULT"), own);
    const commands: string[] = [];
    for (let round = 0; round < 5; round++) {
      await bench.settle();
      commands.push(bench.running.map(({ script }) => script.command.join(" ")).join());
      await bench.end({ hasSucceeded: round !== 0, text: "exit status 1" });
    }
    expect(commands).toEqual([
      "/bin/master own",
      "/bin/own own INSTANCE a MASTER 254",
      "/bin/notify first INSTANCE a MASTER 254",
      "/bin/own own INSTANCE a FAULT 254",
      "/bin/notify first INSTANCE a FAULT 254",
    ]);
    expect(bench.log).toEqual(["notify script /bin/master: INSTANCE a MASTER 254: exit status 1"]);
  });

  test("runs the programs of one that leaves after a reload that told nobody any more", async () => {
    const bench = new Bench();
    const stop = { command: ["/bin/stop"], timeoutMs: 5000, user: null };
    const own = { master: null, backup: null, fault: null, stop, script: null };
    bench.notifier.prepare(plan, [own])();
    bench.notifier.prepare(null)();
    bench.notifier.tell(notice("a", "STOP"), own);
    await bench.settle();
    expect(bench.running.map(({ script }) => script)).toMatchObject([
      { command: ["/bin/stop"], environment: { EDGE_HA_NODE: "lb1" }, user: { uid: 1, gid: 2 } },
    ]);
  });

  test("says which script failed, and goes on with the next", async () => {
    const bench = new Bench();
    bench.notifier.tell(notice("a", "BACKUP"));
    bench.notifier.tell(notice("a", "MASTER"));
    await bench.settle();
    await bench.end({ hasSucceeded: false, text: "not finished after 30 s" });
    expect(bench.log).toEqual(["notify script: INSTANCE a BACKUP 254: not finished after 30 s"]);
    expect(bench.started).toHaveLength(2);
  });

  test("leaves out the oldest that wait when a script hangs and the instance flaps, never the last", async () => {
    const bench = new Bench();
    for (let priority = 1; priority <= 70; priority++) {
      bench.notifier.tell(notice("a", "MASTER", { priority }));
    }
    await bench.settle();
    for (let round = 0; round < 70; round++) await bench.end();
    expect(bench.started).toHaveLength(64);
    expect(bench.started.at(-1)).toBe("INSTANCE a MASTER 70");
  });

  test("writes keepalived's lines to the FIFO at once", () => {
    const bench = new Bench();
    bench.notifier.tell(notice("public-1", "MASTER"));
    bench.notifier.tell(notice("VG_1", "FAULT", { kind: "GROUP", priority: 0 }), null, ["public-1"]);
    expect(bench.lines).toEqual(['INSTANCE "public-1" MASTER 254\n', 'GROUP "VG_1" FAULT 0\n']);
  });

  test("drops lines without a reader and says so once, and again when they are read", () => {
    const bench = new Bench({ ...plan, script: null });
    bench.fifoProblem = "nobody reads /run/notify";
    bench.notifier.tell(notice("a", "BACKUP"));
    bench.notifier.tell(notice("a", "MASTER"));
    bench.fifoProblem = null;
    bench.notifier.tell(notice("a", "BACKUP"));
    expect(bench.lines).toEqual(['INSTANCE "a" BACKUP 254\n']);
    expect(bench.log).toEqual([
      "notify FIFO: nobody reads /run/notify: lines are dropped until that ends",
      "notify FIFO: lines are read again; 2 were dropped",
    ]);
  });

  test("waits at the end for the scripts, and kills them when the time is up", async () => {
    const bench = new Bench();
    bench.notifier.tell(notice("a", "STOP"));
    await bench.settle();
    const finished = bench.notifier.finish(3000);
    bench.clock.advance(3000);
    await finished;
    expect(bench.running).toEqual([]);
    expect(bench.log).toEqual(["notify script: not finished in time for the stop: killed"]);
  });

  test("is done at once at the end if nothing was told", async () => {
    const bench = new Bench();
    await bench.notifier.finish(3000);
    expect(bench.log).toEqual([]);
  });
});
