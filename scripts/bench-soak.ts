import { Soak, trendOf } from "../test/support/soak.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * Memory of a proxy process over a million requests and a hundred thousand that their clients cut: of one whose allocator gives all back that it can, and
 * of one as the supervisor starts it.
 * usage: bun scripts/bench-soak.ts [--requests N] [--aborts N] [--readings N]
 */

/** What the trend may come to from the second reading to the last, in MiB: two bytes for each of a million requests. */
const bar = 2;
/** The same where the holes in what is partly in use stay, which come and go. */
const barWithHoles = 6;
/** How long a process that has nothing to do may take to collect by itself, in seconds. */
const idleS = 60;
/** What that may leave over what is kept when it is told to collect, in MiB. */
const leftBar = 2;

const given = readArguments({
  usage: "scripts/bench soak [--requests N] [--aborts N] [--readings N]",
  options: { requests: "number", aborts: "number", readings: "number" },
});
const work = {
  rounds: numberOf(given, "readings", 20),
  requests: numberOf(given, "requests", 1_000_000),
  aborts: numberOf(given, "aborts", 100_000),
};
const inMiB = (sizes: readonly number[]): string => sizes.map((size) => size.toFixed(1)).join("  ");

/** Does the work, says what the memory was, and gives what was kept last, in MiB. */
async function keeps(soak: Soak, most: number): Promise<number> {
  const { aborted, kept, requests, resident } = await soak.rounds(work);
  console.log(`${requests} requests and ${aborted} aborted ones, in MiB after each part of them:`);
  console.log(`  resident, whatever waits to be collected:  ${inMiB(resident)}`);
  console.log(`  own memory that is kept, all collected:    ${inMiB(kept)}`);
  // In the first part code is compiled, and tables grow to what this many connections take.
  const { growth, spread } = trendOf(kept.slice(1));
  console.log(
    `  it grows by ${growth.toFixed(1)} MiB by its trend, and strays by ${spread.toFixed(1)} (bar ${most})`,
  );
  if (growth > most) process.exitCode = 1;
  return kept.at(-1) ?? 0;
}

/** Sees to it that what nobody tells a process to collect it gives back by itself. */
async function givesBack(soak: Soak, kept: number): Promise<void> {
  await soak.answered(100_000);
  const own = (): number => soak.driver.ownBytes() / 2 ** 20;
  const before = own();
  const since = performance.now();
  const elapsedS = (): number => (performance.now() - since) / 1000;
  while (own() > kept + leftBar && elapsedS() < idleS) await Bun.sleep(250);
  const after = `${own().toFixed(1)} MiB in ${elapsedS().toFixed(0)} s`;
  console.log(`  left alone behind 100000 more, it goes from ${before.toFixed(1)} to ${after}`);
  if (own() > kept + leftBar) process.exitCode = 1;
}

{
  await using soak = await Soak.start(true);
  await givesBack(soak, await keeps(soak, bar));
}
console.log("the same as the supervisor starts it, with the holes of the allocator:");
{
  await using soak = await Soak.start(false);
  await keeps(soak, barWithHoles);
}
