import { resolve } from "node:path";
import { noDirectorPlan } from "../src/config/node-plan.ts";
import type { ProbePlan } from "../src/config/check-plan.ts";
import { startDirector } from "../test/support/director-process.ts";
import { Lab, waitFor } from "../test/support/lab.ts";
import { plannedProbe } from "../test/support/probe-plans.ts";

/**
 * How long after the death of a server (its port closes) the director says so, with a check each second and no retry. What
 * is measured ends where the verdict reaches another process; the director changes the kernel's table at the same moment.
 */

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
await using director = await startDirector(host);
const probes = Array.from({ length: ports }, (_, at): ProbePlan => {
  const target = { address: "10.77.0.21", port: firstPort + at };
  const timing = { intervalMs: 1_000, timeoutMs: 1_000, retries: 0, target };
  return plannedProbe(`${target.port}`, { kind: "tcp" }, timing);
});
await director.configure({
  ...noDirectorPlan,
  probes,
});
const toldAt = new Map<string, number>();
await waitFor(
  "every death is told",
  () => {
    for (const { probe, isUp } of director.verdicts())
      if (!isUp && !toldAt.has(probe)) toldAt.set(probe, performance.timeOrigin + performance.now());
    return toldAt.size === ports;
  },
  90_000,
);
const delays = [...child.output().matchAll(/^closed (\d+) ([\d.]+)$/gm)]
  .map(([, port = "", at]) => (toldAt.get(port) ?? Number.NaN) - Number(at))
  .toSorted((a, b) => a - b);
const [median = Number.NaN, worst = Number.NaN] = [delays[delays.length >> 1], delays.at(-1)];
console.log(
  `edge-ha      ${delays.length} deaths told after ${median.toFixed(0)} ms, ${worst.toFixed(0)} ms at most`,
);
console.log(`bar ${barMs} ms: ${worst <= barMs ? "met" : "missed"}`);
