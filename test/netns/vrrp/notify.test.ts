import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NotifyPlan, NotifyScriptPlan, OwnNotifyPlan, VrrpPlan } from "../../../src/config/node-plan.ts";
import { resolveUser } from "../../../src/base/program.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { waitFor } from "../../support/lab.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, vip } from "./pair-lab.ts";

/** A directory for what scripts write, gone with the test. */
class Notes implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "edge-ha-notify-"));
  readonly script: string = join(this.directory, "notify");
  readonly fifo: string = join(this.directory, "fifo");

  constructor(body: string) {
    // Scripts run as nobody unless they are told otherwise.
    const { uid, gid } = resolveUser("nobody") ?? { uid: 65_534, gid: 65_534 };
    chownSync(this.directory, uid, gid);
    chmodSync(this.directory, 0o755);
    writeFileSync(this.script, `#!/bin/sh\ncd ${this.directory}\n${body}\n`, { mode: 0o755 });
  }

  lines(name = "log"): readonly string[] {
    const path = join(this.directory, name);
    return statSync(path, { throwIfNoEntry: false }) === undefined
      ? []
      : readFileSync(path, "utf8").trimEnd().split("\n");
  }

  plan(more: Partial<NotifyPlan> = {}, timeoutMs = 30_000): NotifyPlan {
    return { node: "lb1", script: { command: [this.script], timeoutMs, user: null }, fifo: null, ...more };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

const record = 'echo "$*" >>log; sleep 0.05; echo "end $2 $3" >>runs';

const planWith = (priority: number, notify: NotifyPlan): VrrpPlan => ({ ...fastPlan({ priority }), notify });

const told = (states: string, priority: number): readonly string[] =>
  states.split(" ").map((state) => `INSTANCE public-1 ${state} ${priority}`);

/** Gone, or a zombie that nobody has collected yet. */
function isGone(pid: string): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

test("a failover is told to the scripts of both nodes, in order and with its reason", async () => {
  await using pair = await pairLab();
  using notes1 = new Notes(`${record}\nenv | grep ^EDGE_HA_ >"env.$3"`);
  using notes2 = new Notes(record);
  const lb1 = await VrrpRole.start(pair.lb1, planWith(200, notes1.plan()));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, planWith(100, notes2.plan({ node: "lb2" })));
  await lb2.reaches("backup");
  await pair.lb1.cutLink("eth0");
  await lb2.reaches("active");
  await lb1.reaches("fault");
  await waitFor("the fault was told", () => notes1.lines("runs").includes("end public-1 FAULT"));
  await lb1.stop();
  await lb2.stop();
  expect(notes1.lines()).toEqual(told("BACKUP MASTER FAULT STOP", 200));
  expect(notes2.lines()).toEqual(told("BACKUP MASTER STOP", 100));
  expect([...notes1.lines("env.FAULT")].sort()).toEqual([
    `EDGE_HA_ADDRESSES=${vip}/24`,
    "EDGE_HA_NODE=lb1",
    "EDGE_HA_PEER=",
    "EDGE_HA_REASON=interface eth0 has no carrier",
  ]);
}, 60_000);

test("a sync group is told after its members", async () => {
  await using pair = await pairLab(2);
  using notes = new Notes(record);
  const inside = { name: "inside-1", interface: "eth1", vrid: 52, vip: "192.0.3.100" };
  const plan = vrrpPlan(
    [instancePlan({ advertIntervalMs: 100 }), instancePlan({ ...inside, advertIntervalMs: 100 })],
    {
      syncGroups: [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }],
      notify: notes.plan(),
    },
  );
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await lb1.reaches("active");
  await lb1.reaches("active", "inside-1");
  await lb1.stop();
  const groups = notes.lines().filter((line) => line.startsWith("GROUP"));
  expect(groups).toEqual(["GROUP VG_1 BACKUP 0", "GROUP VG_1 MASTER 0", "GROUP VG_1 STOP 0"]);
  const runs = notes.lines("runs");
  for (const state of ["BACKUP", "MASTER", "STOP"]) {
    const members = ["public-1", "inside-1"].map((name) => runs.indexOf(`end ${name} ${state}`));
    expect(Math.min(...members)).toBeGreaterThanOrEqual(0);
    expect(runs.indexOf(`end VG_1 ${state}`)).toBeGreaterThan(Math.max(...members));
  }
}, 60_000);

const run = (...command: string[]): NotifyScriptPlan => ({ command, timeoutMs: 5000, user: null });

const states = ["master", "backup", "fault", "stop"] as const;

test("scripts of one router and of one group are told what keepalived tells them", async () => {
  await using pair = await pairLab();
  using ours = new Notes('echo "$*" >>log');
  using theirs = new Notes('echo "$*" >>log');
  const own = (name: string): OwnNotifyPlan => ({
    master: run(ours.script, name, "master"),
    backup: run(ours.script, name, "backup"),
    fault: run(ours.script, name, "fault"),
    stop: run(ours.script, name, "stop"),
    script: run(ours.script),
  });
  const instances = ["V61", "V62"].map((name, index) =>
    instancePlan({
      name,
      vrid: 51 + index,
      vip: `192.0.2.5${index}`,
      priority: 200,
      advertIntervalMs: 100,
      notify: own(name),
    }),
  );
  const lb1 = await VrrpRole.start(
    pair.lb1,
    vrrpPlan(instances, {
      syncGroups: [{ name: "G", instances: ["V61", "V62"], tracks: [], notify: own("G") }],
      notify: ours.plan({ script: null }),
    }),
  );
  const lines = (name: string): readonly string[] => [
    ...states.map((state) => `notify_${state} "${theirs.script} ${name} ${state}"`),
    `notify ${theirs.script}`,
  ];
  const keepalived = await startKeepalived(
    pair.lb2,
    [61, 62].map((vrid) => ({
      interface: "eth0",
      version: 3,
      priority: 200,
      advertInterval: 0.1,
      vrid,
      addresses: [`192.0.2.${vrid}/24`],
      lines: lines(`V${vrid}`),
    })),
    ["script_user root"],
    `vrrp_sync_group G {\n  group {\n    V61\n    V62\n  }\n${lines("G").join("\n")}\n}\n`,
  );
  /** Waits until everybody was told of a state so many times: each of three by two scripts. */
  const told = (state: string, times: number): Promise<void> =>
    waitFor(`${state} was told`, () =>
      [ours, theirs].every(
        (notes) =>
          notes.lines().filter((line) => line.split(" ").includes(state)).length === 3 * times &&
          notes.lines().filter((line) => line.split(" ").includes(state.toLowerCase())).length === 3 * times,
      ),
    );
  await told("MASTER", 1);
  for (const host of [pair.lb1, pair.lb2]) await host.cutLink("eth0");
  await told("FAULT", 1);
  for (const host of [pair.lb1, pair.lb2]) await host.restoreLink("eth0");
  await told("MASTER", 2);
  await lb1.stop();
  keepalived.kill("SIGTERM");
  await told("STOP", 1);
  expect(ours.lines().toSorted()).toEqual(theirs.lines().toSorted());
  // Ours one after the other: that of the state first, and the group's behind its members'.
  const first = (line: string): number => ours.lines().indexOf(line);
  const order = ["V61 master", "INSTANCE V61 MASTER 200", "G master", "GROUP G MASTER 0"].map(first);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
}, 60_000);

test("scripts that hang hold up no election, and end with their timeout", async () => {
  await using pair = await pairLab();
  using notes = new Notes('echo $$ >>pids; echo "$*" >>log; exec sleep 1000');
  const plan = { ...fastPlan({ priority: 200 }), notify: notes.plan({}, 1500) };
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await waitFor("the first hangs", () => notes.lines().length >= 1);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await lb2.reaches("backup");
  await waitFor("the second was run after the first", () => notes.lines().length === 2);
  expect(lb1.log()).toContain("notify script: INSTANCE public-1 BACKUP 200: not finished after 1.5 s");
  await waitFor("lb2 has heard lb1 all the time", () => (lb2.status()?.counters["received"] ?? 0) > 20);
  expect(lb2.history()).toEqual(["backup"]);
  expect(notes.lines()).toEqual(["INSTANCE public-1 BACKUP 200", "INSTANCE public-1 MASTER 200"]);
  expect(await lb1.stop()).toBe(0);
  await waitFor("no script is left", () => notes.lines("pids").every(isGone));
  await lb2.reaches("active");
  expect(await pair.lb1.holds(vip)).toBe(false);
}, 60_000);

test("the script runs as the user that was asked for, and one that does not exist is refused", async () => {
  await using pair = await pairLab();
  using notes = new Notes("");
  const as = (user: string): VrrpPlan => ({
    ...fastPlan(),
    notify: notes.plan({
      script: { command: ["/bin/sh", "-c", 'test "$(id -un)" = nobody'], timeoutMs: 5000, user },
    }),
  });
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan());
  expect(await lb1.configure(as("no-such-user"))).toBe("there is no user no-such-user to run a script as");
  expect(await lb1.configure(as("nobody"))).toBeNull();
  await lb1.reaches("active");
  await lb1.stop();
  expect(lb1.log()).not.toContain("notify script");
}, 60_000);

test("the reader of the FIFO sees keepalived's lines", async () => {
  await using pair = await pairLab();
  using notes = new Notes("");
  const { fifo } = notes;
  const plan = { ...fastPlan({ priority: 200 }), notify: notes.plan({ script: null, fifo }) };
  await pair.lb1.run(["mkfifo", fifo]);
  const reader = pair.lb1.spawn(["cat", fifo]);
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await lb1.reaches("active");
  await waitFor("the reader has both", () => reader.output().includes("MASTER"));
  await lb1.stop();
  await reader.exited;
  expect(reader.output().trimEnd().split("\n")).toEqual([
    'INSTANCE "public-1" BACKUP 200',
    'INSTANCE "public-1" MASTER 200',
    'INSTANCE "public-1" STOP 200',
  ]);
}, 60_000);

test("a FIFO that nobody reads is made and does no harm, and a file in its place is refused", async () => {
  await using pair = await pairLab();
  using notes = new Notes("");
  const { fifo } = notes;
  const plan = { ...fastPlan({ priority: 200 }), notify: notes.plan({ script: null, fifo }) };
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await lb1.reaches("active");
  expect(statSync(fifo).isFIFO()).toBe(true);
  expect(statSync(fifo).mode & 0o777).toBe(0o600);
  expect(lb1.log()).toContain(`notify FIFO: nobody reads ${fifo}: lines are dropped until that ends`);
  const reader = pair.lb1.spawn(["cat", fifo]);
  await pair.lb1.cutLink("eth0");
  await lb1.reaches("fault");
  await pair.lb1.restoreLink("eth0");
  await waitFor("the reader hears the rest", () => reader.output().includes('"public-1" MASTER 200'));
  reader.kill("SIGKILL");
  await reader.exited;
  const file = { ...plan, notify: notes.plan({ script: null, fifo: notes.script }) };
  expect(await lb1.configure(file)).toBe(`${notes.script} is there already and is no FIFO`);
  await pair.lb1.cutLink("eth0");
  await lb1.reaches("fault");
  expect(await lb1.stop()).toBe(0);
}, 60_000);
