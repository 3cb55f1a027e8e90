import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { NodePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

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

  test("is for all routers: one of a router alone is refused by name", () => {
    expect(linesOf(base + vip + 'notify = { script = "/x" }\n')).toEqual([
      '17:1 vip "public".notify: not built yet in this version; remove it; [notify] is told of every instance and group by its name meanwhile',
    ]);
  });
});

const lines = (text: string): readonly string[] => linesOf(base + vip + `[[track]]\n${text}\n`);

describe("[[track]]", () => {
  test("gives links and files to the plan, named after what they track", () => {
    const text = `[[track]]\ninterface = "eth1"\nup_delay = "5s"\n[[track]]\nfile = "/run/load"\nweight = -2\n`;
    expect(planOf(text).vrrp.tracks).toEqual([
      { kind: "interface", name: "eth1", interface: "eth1", upDelayMs: 5000, downDelayMs: 0, weight: 0 },
      { kind: "file", name: "load", path: "/run/load", weight: -2 },
    ]);
    expect(planOf(text).vrrp.instances[0]?.tracks).toEqual(["eth1", "load"]);
    const described = describePlan(planOf(text)).split("\n");
    expect(described).toContain("  eth1: interface eth1, up after 5s, down after 0ms");
    expect(described).toContain("  load: the number in /run/load");
    expect(described.join("\n")).toContain("withdrawn while eth1 fails; load times -2 added");
  });

  test("is refused without a subject and with two", () => {
    expect(linesOf(base + vip + "[[track]]\nweight = -10\n")).toEqual([
      "17:1 track[0]: tracks nothing; write exactly one of script, interface and file, and a [[track]] for each",
    ]);
    expect(linesOf(base + vip + '[[track]]\nscript = "/x"\nfile = "/y"\n')).toEqual([
      "19:8 track[0].file: script and file stand in one table; write exactly one of script, interface and file, and a [[track]] for each",
    ]);
  });

  test("is refused with a key of another subject", () => {
    expect(linesOf(base + vip + '[[track]]\ninterface = "eth1"\nrise = 2\n')).toEqual([
      "19:1 track[0].rise: means something with script only; remove it",
    ]);
  });

  test("is refused with a weight that is out of its subject's range", () => {
    expect(lines('file = "/f"\nweight = 254')).toEqual([]);
    expect(lines('file = "/f"\nweight = 255')).toEqual([
      "19:10 track[0].weight: 255 is not between -254 and 254; write weight = -1 to subtract the file's number",
    ]);
    expect(lines('interface = "eth1"\nweight = 10')).toEqual([
      "19:10 track[0].weight: 10 would raise the priority, and this version only lowers it; write weight = -10",
    ]);
    expect(lines('interface = "eth1"\nweight = -2')).toEqual([
      '19:10 track[0].weight: warning: -2 does not take "public" below its second node, which is 4 lower; write weight = -5 or lower, or weight = 0 to withdraw the claim',
    ]);
  });

  test("is refused by name for what a later version will track", () => {
    expect(lines('process = "nginx"')).toContain(
      "18:1 track[0].process: not built yet in this version; remove it; use script meanwhile",
    );
  });
});
