import { expect, setDefaultTimeout, test } from "bun:test";
import { noDirectorPlan } from "../../../src/config/node-plan.ts";
import { existsSync } from "node:fs";
import { pairFile } from "../../support/cluster-file.ts";
import { spawnEdgeHa } from "../../support/edge-ha.ts";
import { startDirector } from "../../support/director-process.ts";
import { plannedService } from "../../support/ipvs-services.ts";
import { Lab, waitFor } from "../../support/lab.ts";

/** The director on a kernel that has no IPVS, as containers and small virtual machines often have. */

setDefaultTimeout(60_000);
const hasIpvs = existsSync("/proc/net/ip_vs");

test("a director says what to install or to use instead when the kernel has no IPVS", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("lb1", {});
  // With `modprobe` out of reach, a kernel that keeps IPVS in a module is one that has none.
  await using director = await startDirector(host, { env: { PATH: "/nonexistent" } });
  const reason = await director.configure({
    ...noDirectorPlan,
    services: [plannedService()],
  });
  if (hasIpvs) {
    expect(reason).toBeNull();
  } else {
    expect(reason).toContain("this kernel has no IPVS");
    expect(reason).toContain("modprobe ip_vs");
    expect(reason).toContain('forward = "proxy"');
  }
  // Checks alone need nothing of the kernel.
  expect(await director.configure(noDirectorPlan)).toBeNull();
  expect(await director.stop()).toBe(0);
  expect(director.messages.at(-1)).toEqual({ kind: "stopped" });
});

test("`edge-ha serve` does not start and says why when the kernel has no IPVS", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  const service = `[[service]]
name = "l4"
vips = ["first"]
port = 8000
forward = "dr"
servers = [{ address = "192.0.2.21" }]
`;
  const node = await spawnEdgeHa(host, { config: pairFile({ tables: service }), node: "lb1" });
  if (hasIpvs) {
    await waitFor("it answers", async () => (await node.command("status")).exitCode === 0);
    expect(await node.stop()).toBe(0);
  } else {
    expect(await node.exited).toBe(1);
    expect(node.log()).toContain("modprobe ip_vs");
    expect(node.log()).toContain('forward = "proxy"');
    expect(await host.holds("192.0.2.100")).toBe(false);
  }
});

test("a director leaves when its supervisor is gone", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("lb1", {});
  await using director = await startDirector(host);
  await director.configure(noDirectorPlan);
  director.abandon();
  expect(await director.exited).toBe(0);
});

test("a director treats SIGTERM as a stop and does not hear SIGINT and SIGHUP", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("lb1", {});
  await using director = await startDirector(host);
  await director.configure(noDirectorPlan);
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.kill(director.pid, signal);
  const before = director.messages.length;
  await waitFor("it goes on", () => director.messages.length > before + 1);
  process.kill(director.pid, "SIGTERM");
  expect(await director.exited).toBe(0);
  expect(director.messages.at(-1)).toEqual({ kind: "stopped" });
});
