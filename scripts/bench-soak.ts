import { Soak, trendOf } from "../test/support/soak.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * Memory of a proxy process over a million requests and a hundred thousand that their clients cut.
 * usage: bun scripts/bench-soak.ts [--requests N] [--aborts N] [--readings N]
 */

/** What the trend may come to from the second reading to the last, in MiB: two bytes for each of a million requests. */
const bar = 2;
/** How long a process that has nothing to do may take to collect by itself, in seconds. */
const idleS = 60;
/** What that may leave over what is kept when it is told to collect, in MiB. */
const leftBar = 2;

const given = readArguments({
  usage: "scripts/bench soak [--requests N] [--aborts N] [--readings N]",
  options: { requests: "number", aborts: "number", readings: "number" },
});
await using soak = await Soak.start();
const report = await soak.rounds({
  rounds: numberOf(given, "readings", 20),
  requests: numberOf(given, "requests", 1_000_000),
  aborts: numberOf(given, "aborts", 100_000),
});
const inMiB = (sizes: readonly number[]): string => sizes.map((size) => size.toFixed(1)).join("  ");
console.log(
  `${report.requests} requests and ${report.aborted} aborted ones, in MiB after each part of them:`,
);
console.log(`  resident, whatever waits to be collected:  ${inMiB(report.resident)}`);
console.log(`  own memory that is kept, all collected:    ${inMiB(report.kept)}`);
// In the first part code is compiled, and tables grow to what this many connections take.
const { growth, spread } = trendOf(report.kept.slice(1));
console.log(
  `  it grows by ${growth.toFixed(1)} MiB by its trend, and strays by ${spread.toFixed(1)} (bar ${bar})`,
);
if (growth > bar) process.exitCode = 1;

// What nobody tells it to collect it has to give back by itself.
const kept = report.kept.at(-1) ?? 0;
await soak.answered(100_000);
const own = (): number => soak.driver.ownBytes() / 2 ** 20;
const before = own();
const since = performance.now();
const elapsedS = (): number => (performance.now() - since) / 1000;
while (own() > kept + leftBar && elapsedS() < idleS) await Bun.sleep(250);
console.log(
  `  left alone behind 100000 more, it goes from ${before.toFixed(1)} to ${own().toFixed(1)} MiB in ${elapsedS().toFixed(0)} s`,
);
if (own() > kept + leftBar) process.exitCode = 1;
