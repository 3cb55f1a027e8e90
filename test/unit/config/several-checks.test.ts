import { describe, expect, test } from "bun:test";
import type { DirectorPlan } from "../../../src/config/node-plan.ts";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

const text = (checks: string): string => `${base}${vip}${web}check = ${checks}\n`;

function directorOf(checks: string): DirectorPlan {
  return planNode(configOf(text(checks)), "lb1", { cores: 2 }).director;
}

function faults(checks: string): readonly string[] {
  return linesOf(text(checks)).map((line) => line.replace(/^\d+:/, "").replace('service "web".', ""));
}

describe("several checks of a server", () => {
  test("are a probe each, and decide together", () => {
    const { probes, probeSets, services } = directorOf(
      '[{ type = "tcp" }, { type = "http", port = 8080, path = "/healthz" }]',
    );
    const [tcp, http] = ["tcp 172.16.8.8:80 every 2s", "http 172.16.8.8:8080 GET /healthz every 2s"];
    expect(probes.map(({ id }) => id)).toEqual([tcp ?? "", http ?? ""]);
    expect(probeSets).toEqual([{ id: `${tcp} and ${http}`, probes: [tcp ?? "", http ?? ""] }]);
    expect(services[0]?.servers[0]?.probe).toBe(`${tcp} and ${http}`);
    const config = configOf(text('[{ type = "tcp" }, { type = "ping" }]'));
    expect(describePlan(planNode(config, "lb1", { cores: 2 }))).toContain(
      'up by "tcp 172.16.8.8:80 every 2s and ping 172.16.8.8 every 2s"',
    );
  });

  test("are what a single one is if there is only one in the list", () => {
    expect(directorOf('[{ type = "tcp" }]')).toEqual(directorOf('{ type = "tcp" }'));
    expect(directorOf('[{ type = "tcp" }]').probeSets).toEqual([]);
  });

  test("are told each at its own place in the list what is wrong with them", () => {
    expect(faults('[{ type = "tcp" }, { type = "http", interval = "x", foo = 1 }]')).toEqual([
      expect.stringContaining('56 check[1].interval: "x" is no duration; write interval = "2s"'),
      expect.stringContaining("61 check[1].foo: unknown key; "),
    ]);
    expect(faults('[{ type = "tcp", timeout = "3s" }, { type = "ping", timeout = "4s" }]')).toEqual([
      expect.stringContaining(
        "36 check[0].timeout: warning: a timeout of 3s is longer than the interval of 2s",
      ),
      expect.stringContaining("71 check[1].timeout: warning: a timeout of 4s is longer"),
    ]);
  });

  test("have to be several, and one alone may speak for the weight", () => {
    expect(faults('[{ type = "tcp" }, { type = "tcp", interval = "2s" }]')).toEqual([
      "28 check[1]: is the same check again; remove it here",
    ]);
    const weighty = '{ type = "agent", port = 9 }, { type = "script", script = "/x", dynamic_weight = true }';
    expect(faults(`[${weighty}]`)).toEqual([
      "40 check[1]: two checks would say what weight the server gets; let one of them say it",
    ]);
    expect(faults("[]")).toEqual([
      '9 check: is an empty list; write check = { type = "tcp" }, or check = [{ type = "tcp" }, { type = "http", port = 8080 }]',
    ]);
    expect(faults('"tcp"')).toEqual([expect.stringContaining("9 check: ")]);
  });

  test("do not start slowly by themselves: that is a matter of the service", () => {
    expect(faults('{ type = "tcp", slow_start = "30s" }')).toEqual([
      "25 check.slow_start: unknown key; write slow_start in the [[service]]",
    ]);
  });
});
