import { soak } from "../test/support/soak.ts";

/**
 * Memory of a proxy process over a million requests and a hundred thousand that their clients cut.
 * usage: bun scripts/bench-soak.ts [--requests N] [--aborts N]
 */

/** What the memory after the last round may be over that after the first. */
const bar = 1.2;

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const report = await soak({
  rounds: 10,
  requests: option("requests", 1_000_000),
  aborts: option("aborts", 100_000),
});
const [first = 0] = report.mebibytes;
const last = report.mebibytes.at(-1) ?? 0;
console.log(
  `${report.requests} requests and ${report.aborted} aborted ones, memory after each tenth of them:`,
);
console.log(`  ${report.mebibytes.map((size) => size.toFixed(1)).join("  ")} MiB`);
console.log(`  ratio of the last to the first: ${(last / first).toFixed(2)} (bar ${bar})`);
if (last / first > bar) process.exitCode = 1;
