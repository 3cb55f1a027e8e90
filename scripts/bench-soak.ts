import { soak } from "../test/support/soak.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * Memory of a proxy process over a million requests and a hundred thousand that their clients cut.
 * usage: bun scripts/bench-soak.ts [--requests N] [--aborts N]
 */

/** What the least of the last three rounds may be over that of the first three: the runtime collects when it likes. */
const bar = 1.2;

const given = readArguments({
  usage: "scripts/bench soak [--requests N] [--aborts N]",
  options: { requests: "number", aborts: "number" },
});
const report = await soak({
  rounds: 10,
  requests: numberOf(given, "requests", 1_000_000),
  aborts: numberOf(given, "aborts", 100_000),
});
const first = Math.min(...report.mebibytes.slice(0, 3));
const last = Math.min(...report.mebibytes.slice(-3));
console.log(
  `${report.requests} requests and ${report.aborted} aborted ones, memory after each tenth of them:`,
);
console.log(`  ${report.mebibytes.map((size) => size.toFixed(1)).join("  ")} MiB`);
console.log(`  ratio of the last three to the first three: ${(last / first).toFixed(2)} (bar ${bar})`);
if (last / first > bar) process.exitCode = 1;
