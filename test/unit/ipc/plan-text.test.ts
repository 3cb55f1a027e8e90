import { expect, test } from "bun:test";
import { type DirectorPlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import type { IpvsServerPlan } from "../../../src/config/service-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { planOfText, planText, servicesOfText, servicesTexts } from "../../../src/ipc/plan-text.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";

/** The strings that a plan goes in, and what is made of them. */
function sent(plan: DirectorPlan): { readonly texts: readonly string[]; readonly arrived: DirectorPlan } {
  const texts = [...servicesTexts(plan.services)];
  const rest = planText(plan);
  return { texts: [...texts, rest], arrived: planOfText(rest, texts.flatMap(servicesOfText)) };
}

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
  expect(sent(director).arrived).toStrictEqual(director);
});

/** Another value of each thing a server has. */
const others: Required<IpvsServerPlan> = {
  address: "10.99.0.24",
  port: 8080,
  weight: 0,
  probe: null,
  forward: "tunnel",
  tunnel: { type: "gue", port: 6080, checksum: "full" },
  upperThreshold: 100,
  lowerThreshold: 50,
  inhibits: true,
  slowStartMs: 5_000,
};

test("servers arrive as they are, whatever they differ in", () => {
  const alike = [plannedServer("10.99.0.21"), plannedServer("10.99.0.22"), plannedServer("10.99.0.23")];
  const different = Object.entries(others).map(([what, value]) =>
    alike.concat({ ...plannedServer("10.99.0.25"), [what]: value }),
  );
  const unchecked = alike.map((server) => ({ ...server, probe: null, tunnel: others.tunnel, weight: 0 }));
  const lists = [[], alike.slice(0, 1), alike, ...different, unchecked];
  const plan: DirectorPlan = {
    ...noDirectorPlan,
    services: lists.map((servers, index) => plannedService({ name: `s${index}`, servers })),
  };
  const { arrived, texts } = sent(plan);
  expect(arrived).toStrictEqual(plan);
  expect(texts.join("\n")).toContain('"like"');
});

test("services go ahead in pieces of some thousand servers, and arrive in their order", () => {
  const services = Array.from({ length: 30 }, (_, index) => {
    const servers = Array.from({ length: 300 }, (_, server) =>
      plannedServer(`10.99.${index}.${server % 250}`),
    );
    return plannedService({ name: `s${index}`, servers });
  });
  const plan: DirectorPlan = { ...noDirectorPlan, services };
  const { arrived, texts } = sent(plan);
  expect(texts.length).toBe(5 + 1);
  expect(arrived).toStrictEqual(plan);
  expect([...servicesTexts([])]).toEqual([]);
});
