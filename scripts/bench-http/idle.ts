import { readFileSync } from "node:fs";
import { Crowd } from "../../test/support/crowd.ts";
import type { Contender } from "./contender.ts";

const count = 10_000;

/** Gives the KiB of memory that a proxy takes for each of 10,000 idle connections, each of which has had an answer. */
export async function idleKiB(contender: Contender): Promise<number> {
  const request = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
  await using first = await Crowd.open(contender.port, 250);
  for (let round = 0; round < 20; round++) await first.ask(request, "x\n");
  const before = resident(contender.pid);
  await using crowd = await Crowd.open(contender.port, count);
  await crowd.ask(request, "x\n");
  const each = (resident(contender.pid) - before) / count;
  if (crowd.open < count) console.log(`  ${contender.name}: ${count - crowd.open} connections are gone`);
  return each;
}

function resident(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}
