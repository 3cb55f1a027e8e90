import { readFileSync } from "node:fs";
import { pairFile, siteTables, vips } from "../test/support/cluster-file.ts";
import { executable, startEdgeHa } from "../test/support/edge-ha.ts";
import { startKeepalived } from "../test/support/keepalived.ts";
import { waitFor } from "../test/support/lab.ts";
import { createPair } from "../test/support/pair.ts";
import { startNginx } from "../test/support/nginx.ts";
import { readArguments } from "./arguments.ts";

/** Resident memory of each process of a running node, and how long the executable takes to start. */

readArguments({ usage: "scripts/bench footprint" });

/** Reads one figure in KiB of /proc/PID/smaps_rollup. */
function memory(pid: number, figure: "Rss" | "Pss" | "Private_Dirty"): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(new RegExp(`^${figure}: *(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN);
}

function printMemory(name: string, pid: number): void {
  const mebibytes = (figure: "Rss" | "Pss" | "Private_Dirty"): string =>
    `${(memory(pid, figure) / 1024).toFixed(1).padStart(6)} MiB`;
  // The executable's pages are shared by all its processes: the proportional figures add up, the resident ones do not.
  console.log(
    `${name.padEnd(24)} resident ${mebibytes("Rss")}  proportional ${mebibytes("Pss")}  own and written ${mebibytes("Private_Dirty")}`,
  );
}

/** Gives the median time in milliseconds of ten runs of a command. */
function startTime(command: readonly string[]): number {
  const times = Array.from({ length: 10 }, () => {
    const startedAt = performance.now();
    Bun.spawnSync([...command], { stdout: "ignore", stderr: "ignore" });
    return performance.now() - startedAt;
  });
  return times.toSorted((a, b) => a - b)[5] ?? Number.NaN;
}

async function printFootprint(): Promise<void> {
  await using pair = await createPair();
  const { lb1, lb2, web1, web2 } = pair;
  const web = await startNginx(web1);
  await startNginx(web2);
  const tables = siteTables(`${lb1.directory}/access.log`);
  const node = await startEdgeHa(lb1, { config: pairFile({ tables }), node: "lb1" });
  await waitFor("lb1 holds the address", () => lb1.holds(vips.first));
  const address = `${vips.second}/24`;
  const instance = { interface: "eth0", version: 3, vrid: 60, priority: 100, advertInterval: 0.1 } as const;
  const peer = await startKeepalived(lb2, [{ ...instance, addresses: [address] }]);
  await Bun.sleep(3_000);
  const { processes } = await node.status();
  printMemory("edge-ha supervisor", node.pid);
  for (const { role, pid } of processes) printMemory(`edge-ha ${role}`, pid);
  for (const pid of [peer.pid, ...childrenOf(peer.pid)]) printMemory("keepalived", pid);
  for (const pid of [web.pid, ...childrenOf(web.pid)]) printMemory("nginx", pid);
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

await printFootprint();
console.log(
  `edge-ha version starts and ends in ${startTime([executable, "version"]).toFixed(1)} ms (median of 10)`,
);
console.log(`keepalived --version in ${startTime(["keepalived", "--version"]).toFixed(1)} ms`);
