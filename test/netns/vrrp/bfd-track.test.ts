import { expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { FrrBfd } from "../../support/frr-bfd.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab, vip } from "./pair-lab.ts";

/** Two nodes and a gateway with FRR's bfdd, which lb1 alone has a session with. */
const text = (track: string): string => `[cluster]
name = "edge"
advert_interval = "100ms"
[[node]]
name = "lb1"
address = { eth0 = "192.0.2.10/24" }
[[node]]
name = "lb2"
address = { eth0 = "192.0.2.11/24" }
[[vrrp]]
name = "public-1"
interface = "eth0"
vrid = 51
priority = { lb1 = 200, lb2 = 100 }
addresses = ["${vip}/24"]
[[bfd]]
name = "gateway"
peer = { lb1 = "192.0.2.1" }
interval = "100ms"
[[track]]
bfd = "gateway"
${track}
`;

function planOf(track: string, node: string): VrrpPlan {
  const { config } = readConfig(text(track), "f");
  if (config === null) throw new Error("the configuration is wrong");
  return planNode(config, node, { cores: 1 }).vrrp;
}

interface Gateway {
  readonly host: Host;
  readonly frr: FrrBfd;
}

async function startGateway(host: Host): Promise<FrrBfd> {
  return FrrBfd.start(host, [{ interface: "eth0", peer: "192.0.2.10", interval: 100, multiplier: 5 }]);
}

async function gatewayOf(pair: PairLab): Promise<Gateway> {
  const host = await pair.lab.host("gw", { eth0: { bridge: "net0", address: "192.0.2.1/24" } });
  return { host, frr: await startGateway(host) };
}

test("a lost session with FRR weighs on the claim, one that FRR's operator ends does not, and it comes back", async () => {
  await using pair = await pairLab();
  const { host, frr } = await gatewayOf(pair);
  const lb1 = await VrrpRole.start(pair.lb1, planOf("weight = -150", "lb1"));
  await lb1.reaches("active");
  await lb1.sessionReaches("up", "gateway");
  const lb2 = await VrrpRole.start(pair.lb2, planOf("weight = -150", "lb2"));
  await lb2.reaches("backup");

  const peer = { interface: "eth0", peer: "192.0.2.10" };
  await frr.configure(peer, "shutdown");
  await lb1.sessionReaches("down", "gateway");
  await frr.configure(peer, "no shutdown");
  await lb1.sessionReaches("up", "gateway");
  expect(lb1.status()).toMatchObject({ state: "active", priority: 200 });
  expect(lb1.log()).not.toContain("track gateway: up → down");

  await frr.kill();
  await Promise.all([lb1.reaches("backup"), lb2.reaches("active")]);
  expect(await pair.lb2.holds(vip)).toBe(true);
  expect(lb1.status()?.claims[0]).toMatch(/^track gateway: no packet from 192\.0\.2\.1 for \d+ ms: −150$/);

  const again = await startGateway(host);
  await Promise.all([lb1.reaches("active"), lb2.reaches("backup")]);
  await waitFor("lb1 holds the address", () => pair.lb1.holds(vip));
  expect(lb1.log()).toContain("track gateway: down → up: 192.0.2.1 hears us");
  await again.kill();
  await lb2.reaches("active");
}, 60_000);

test("a lost session withdraws the claim without a weight", async () => {
  await using pair = await pairLab();
  const { frr } = await gatewayOf(pair);
  const lb1 = await VrrpRole.start(pair.lb1, planOf("weight = 0", "lb1"));
  await lb1.reaches("active");
  await lb1.sessionReaches("up", "gateway");
  await frr.kill();
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toStartWith("track gateway: no packet from 192.0.2.1");
  await waitFor("the address is given up", async () => !(await pair.lb1.holds(vip)));
}, 60_000);
