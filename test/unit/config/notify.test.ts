import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { NodePlan, NotifyScriptPlan } from "../../../src/config/node-plan.ts";
import { formatDiagnostic } from "../../../src/config/diagnostic.ts";
import { noKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

const planOf = (text: string): NodePlan => planNode(configOf(base + vip + text), "lb1", { cores: 1 });

describe("[notify]", () => {
  test("gives its values to the plan, with the node's name", () => {
    const text = `[notify]\nscript = "/bin/notify 'a b'"\nfifo = "/run/notify"\nuser = "nobody"\ntimeout = "5s"\n`;
    expect(planOf(text).vrrp.notify).toEqual({
      node: "lb1",
      script: { command: ["/bin/notify", "a b"], timeoutMs: 5000, user: "nobody" },
      fifo: "/run/notify",
    });
    expect(planOf('[notify]\nfifo = "/run/notify"\n').vrrp.notify).toMatchObject({ script: null });
    expect(planOf("").vrrp.notify).toBeNull();
  });

  test("is in what a node will do", () => {
    const text = describePlan(planOf('[notify]\nscript = ["/bin/notify", "a b"]\nfifo = "/run/notify"\n'));
    expect(text).toContain('told of changes\n  script /bin/notify "a b", timeout 30s\n  FIFO /run/notify');
  });

  test("is told of services if it says so, where there are any", () => {
    const text = '[notify]\nfifo = "/run/notify"\nservices = true\n';
    const both = planOf(text + web);
    expect(both.director.notify).toEqual({ node: "lb1", script: null, fifo: "/run/notify" });
    expect(both.vrrp.notify).toEqual(both.director.notify);
    expect(describePlan(both)).toContain("told of services and servers\n  FIFO /run/notify\n");
    expect(planOf(text.replace("true", "false") + web).director.notify).toBeNull();
    const relayed = planOf(text + web.replace(/forward = "\w+"/, 'forward = "proxy"')).director;
    expect([relayed.services.length, relayed.proxied.length]).toEqual([0, 1]);
    expect(relayed.notify).toEqual(both.director.notify);
    expect(linesOf(base + vip + text)).toEqual([
      "19:12 notify.services: warning: there is no service and no upstream to tell of; remove it, or add a [[service]]",
    ]);
  });

  test.each([
    ["lvs_notify_fifo = 1\n", "write fifo and services = true in [notify]"],
    [`${web}notify_up = "/x"\n`, "or services = true in [notify]"],
    [web.replace('.8" }', '.8", notify_down = "/x" }'), "or services = true in [notify]"],
    [`${web}sync = true\n`, "the kernel tells the others of the connections of all services or of none"],
  ])("keepalived's words are answered: %#", (text, hint) => {
    const own = text.startsWith("lvs") ? text + base + vip : base + vip + text;
    expect(linesOf(own).join("\n")).toContain(hint);
  });

  test("is refused without anybody to tell", () => {
    expect(linesOf(base + vip + '[notify]\ntimeout = "5s"\n')).toEqual([
      '17:1 notify: tells nobody; write script = "/usr/local/bin/notify" or fifo = "/run/edge-ha/notify"',
    ]);
  });

  test("is warned of for a user without a script", () => {
    expect(linesOf(base + vip + '[notify]\nfifo = "/run/f"\nuser = "x"\n')).toEqual([
      "19:8 notify.user: warning: means something with script only; remove it, or write script",
    ]);
  });

  test("is refused with a path that is not from the root", () => {
    expect(linesOf(base + vip + '[notify]\nfifo = "run/f"\n')).toEqual([
      '18:8 notify.fifo: "run/f" is no path of a file from the root; write fifo = "/run/edge-ha/notify"',
    ]);
  });

  test("and a track are refused where root would run what others can change", () => {
    const text = `${base}${vip}[notify]\nscript = "/bin/a"\nuser = "root"\n[[track]]\nscript = "/bin/b"\nuser = "root"\n[[track]]\nscript = "/bin/b"\n`;
    const { diagnostics } = readConfig(text, "f", {
      ...noKnowledge,
      trustProblem: ([program = ""]) => `${program} belongs to user 7`,
    });
    const remedy =
      'make it and its directories root\'s alone (chown root, chmod go-w), or write user = "nobody"';
    expect(diagnostics.map((one) => formatDiagnostic("f", one))).toEqual([
      `f:18:10 notify.script: would be run by root, and /bin/a belongs to user 7: whoever that is could become root; ${remedy}`,
      `f:21:10 track[0].script: would be run by root, and /bin/b belongs to user 7: whoever that is could become root; ${remedy}`,
    ]);
  });
});

const vrrpText = `[[vrrp]]
name = "edge"
interface = "eth2"
vrid = 7
priority = { lb1 = 100, lb2 = 90 }
addresses = ["172.16.8.7/24"]
notify = { master = "/bin/master now", stop = ["/bin/stop"], user = "nobody", timeout = "5s" }
`;
const program = (...command: string[]): NotifyScriptPlan => ({ command, timeoutMs: 5000, user: "nobody" });
const group = '[[sync_group]]\nname = "G"\nvips = ["public", "edge"]\nnotify = "/bin/group"\n';

describe("notify of one router or group", () => {
  test("gives its programs to the plan of that one, and keeps those who are told of all", () => {
    const { vrrp } = planOf(vrrpText + group);
    const none = { master: null, backup: null, fault: null, stop: null, script: null };
    expect(vrrp.instances.map(({ notify }) => notify)).toEqual([
      null,
      { ...none, master: program("/bin/master", "now"), stop: program("/bin/stop") },
    ]);
    expect(vrrp.syncGroups[0]?.notify).toEqual({
      ...none,
      script: { command: ["/bin/group"], timeoutMs: 30_000, user: null },
    });
    expect(vrrp.notify).toEqual({ node: "lb1", script: null, fifo: null });
  });

  test("is in what a node will do", () => {
    expect(describePlan(planOf(`${vrrpText}${group}[notify]\nscript = "/bin/all"\n`))).toContain(
      [
        "told of changes",
        "  edge: master /bin/master now as nobody, timeout 5s",
        "  edge: stop /bin/stop as nobody, timeout 5s",
        "  G: script /bin/group, timeout 30s",
        "  script /bin/all, timeout 30s",
      ].join("\n"),
    );
  });

  test("is refused without anybody to tell, with a wrong word, and where root would run what others can change", () => {
    const text = `${base}${vip}notify = { user = "nobody" }\n[[sync_group]]\nname = "G"\nvips = ["public"]\nnotify = { active = "/x" }\n`;
    expect(linesOf(text).filter((line) => line.includes("notify"))).toEqual([
      '17:10 vip "public".notify: tells nobody; write script = "/usr/local/bin/notify", or master, backup, fault or stop',
      '21:10 sync_group "G".notify: tells nobody; write script = "/usr/local/bin/notify", or master, backup, fault or stop',
      '21:12 sync_group "G".notify.active: unknown key; the keys here are script, master, backup, fault, stop, user, timeout',
    ]);
    const { diagnostics } = readConfig(`${base}${vip}notify = { fault = "/bin/f", user = "root" }\n`, "f", {
      ...noKnowledge,
      trustProblem: ([program = ""]) => `${program} belongs to user 7`,
    });
    expect(diagnostics.map((one) => formatDiagnostic("f", one))).toEqual([
      expect.stringMatching(
        /^f:17:20 vip "public".notify.fault: would be run by root, and \/bin\/f belongs to user 7: /,
      ),
    ]);
  });

  test("is what keepalived's words are answered with, and not for a whole cluster", () => {
    expect(linesOf(`${base}${vip}notify_master = "/x"\n`)[0]).toContain('write notify = { master = "');
    expect(linesOf(base.replace("[cluster]", '[cluster]\nnotify = "/x"') + vip)[0]).toContain(
      "write [notify], which is told of every router and group",
    );
  });
});
