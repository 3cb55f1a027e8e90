import { resolve } from "node:path";
import { type DirectorPlan, noDirectorPlan } from "../src/config/node-plan.ts";
import type { ProbePlan } from "../src/config/check-plan.ts";
import { plannedServer, plannedService } from "../test/support/ipvs-services.ts";
import { Lab, waitFor } from "../test/support/lab.ts";
import { plannedProbe } from "../test/support/probe-plans.ts";
import { readArguments } from "./arguments.ts";

/**
 * How long after the death of a server (its port closes) it is out of the table, with a check each second and no retry. The
 * table is in memory: what a kernel takes for one message is not in it.
 */

readArguments({ usage: "scripts/bench deaths" });
const [ports, firstPort, barMs] = [100, 20_000, 1_100];

/** Listens on all ports, and closes one after the other at random moments; says when, in milliseconds since 1970. */
const server = `
const open = Array.from({ length: ${ports} }, (_, at) => Bun.listen({ hostname: "10.77.0.21", port: ${firstPort} + at, socket: { data() {} } }));
console.log("listening");
await Bun.sleep(4_000);
for (const [at, one] of open.entries()) {
  await Bun.sleep(40 + Math.random() * 200);
  one.stop(true);
  console.log("closed " + (${firstPort} + at) + " " + (performance.timeOrigin + performance.now()));
}
await Bun.sleep(60_000);
`;

await using lab = await Lab.create();
await lab.bridge("lan");
const host = await lab.host("director", { eth0: { bridge: "lan", address: "10.77.0.11/24" } });
const web = await lab.host("web", { eth0: { bridge: "lan", address: "10.77.0.21/24" } });
const script = resolve(web.directory, "ports.ts");
await Bun.write(script, server);
const child = web.spawn([process.execPath, script]);
await waitFor("the ports are open", () => child.output().includes("listening"));
const probes = Array.from({ length: ports }, (_, at): ProbePlan => {
  const target = { address: "10.77.0.21", port: firstPort + at };
  const timing = { intervalMs: 1_000, timeoutMs: 1_000, retries: 0, target };
  return plannedProbe(`${target.port}`, { kind: "tcp" }, timing);
});
const servers = probes.map(({ id, target }) =>
  plannedServer(target.address, { port: target.port, probe: id }),
);
const plan: DirectorPlan = { ...noDirectorPlan, probes, services: [plannedService({ servers })] };
const entry = resolve(import.meta.dir, "../test/support/notice-director.ts");
const director = host.spawn([process.execPath, entry, JSON.stringify(plan)]);
const removedAt = (): Map<string, number> => {
  const lines = director.output().matchAll(/^removed [\d.]+:(\d+) ([\d.]+)$/gm);
  return new Map([...lines].map(([, port = "", at]) => [port, Number(at)]));
};
await waitFor("every death is in the table", () => removedAt().size === ports, 90_000);
const removed = removedAt();
const delays = [...child.output().matchAll(/^closed (\d+) ([\d.]+)$/gm)]
  .map(([, port = "", at]) => (removed.get(port) ?? Number.NaN) - Number(at))
  .toSorted((a, b) => a - b);
const [median = Number.NaN, worst = Number.NaN] = [delays[delays.length >> 1], delays.at(-1)];
console.log(
  `edge-ha      ${delays.length} servers out of the table after ${median.toFixed(0)} ms, ${worst.toFixed(0)} ms at most`,
);
console.log(`bar ${barMs} ms: ${worst <= barMs ? "met" : "missed"}`);
