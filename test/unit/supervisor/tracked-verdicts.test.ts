import { expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import type { Verdict } from "../../../src/ipc/messages.ts";
import { trackedVerdicts } from "../../../src/supervisor/tracked-verdicts.ts";
import { base, configOf, vip } from "../config/expect-lines.ts";

const services = ["web", "mail"].map(
  (name, index) => `[[service]]
name = "${name}"
vips = ["public"]
port = ${80 + index}
forward = "nat"
check = { type = "tcp" }
servers = [{ address = "172.16.8.8" }]
`,
);
const track = '[[track]]\nname = "webs"\nservice = "web"\nweight = -10\n';

function verdictsTold(text: string): readonly string[] {
  const { vrrp, director } = planNode(configOf(text), "lb1", { cores: 1 });
  const verdicts = director.probes.map(({ id }): Verdict => ({ probe: id, isUp: true, weight: null }));
  expect(verdicts).toHaveLength(2);
  return trackedVerdicts(vrrp, verdicts).map(({ probe }) => probe);
}

test("vrrp hears of the servers that its tracks go by, and of no other", () => {
  const told = verdictsTold(base + vip + services.join("") + track);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("80");
});

test("without such a track it hears of none", () => {
  expect(verdictsTold(base + vip + services.join(""))).toEqual([]);
});
