import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { NodePlan } from "../../../src/config/node-plan.ts";
import { formatDiagnostic } from "../../../src/config/diagnostic.ts";
import { readConfig } from "../../../src/config/read.ts";
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

  test("and a track are refused where root would run what others can change", () => {
    const text = `${base}${vip}[notify]\nscript = "/bin/a"\nuser = "root"\n[[track]]\nscript = "/bin/b"\nuser = "root"\n[[track]]\nscript = "/bin/b"\n`;
    const { diagnostics } = readConfig(text, "f", {
      trustProblem: ([program = ""]) => `${program} belongs to user 7`,
      authorityProblem: () => null,
    });
    const remedy =
      'make it and its directories root\'s alone (chown root, chmod go-w), or write user = "nobody"';
    expect(diagnostics.map((one) => formatDiagnostic("f", one))).toEqual([
      `f:18:10 notify.script: would be run by root, and /bin/a belongs to user 7: whoever that is could become root; ${remedy}`,
      `f:21:10 track[0].script: would be run by root, and /bin/b belongs to user 7: whoever that is could become root; ${remedy}`,
    ]);
  });

  test("is for all routers: one of a router alone is refused by name", () => {
    expect(linesOf(base + vip + 'notify = { script = "/x" }\n')).toEqual([
      '17:1 vip "public".notify: not built yet in this version; remove it; [notify] is told of every instance and group by its name meanwhile',
    ]);
  });
});
