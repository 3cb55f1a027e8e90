import { expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { planOfText, planText } from "../../../src/ipc/plan-text.ts";

test("planOfText() gives the plan that planText() was given", () => {
  const file = `
[cluster]
name = "shop"
[[node]]
name = "lb1"
address = { eth0 = "10.98.0.11/24" }
[[service]]
name = "web"
addresses = ["10.99.0.1"]
port = 80
forward = "dr"
check = { type = "http", path = "/healthz", interval = "1500ms" }
servers = [{ address = "10.98.0.21", weight = 3 }, { address = "10.98.0.22" }]
`;
  const { config, diagnostics } = readConfig(Buffer.from(file), "shop.toml");
  if (config === null) throw new Error(JSON.stringify(diagnostics));
  const { director } = planNode(config, "lb1", { cores: 2 });
  expect(director.probes.length).toBeGreaterThan(0);
  expect(planOfText(planText(director))).toStrictEqual(director);
});
