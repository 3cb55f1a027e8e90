import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/support/proxy-driver.ts";
import { startHaproxy, startNginx, startOurs, startProgram, type Contender } from "./bench-http/contender.ts";
import { idleKiB } from "./bench-http/idle.ts";
import { measure, type Figure } from "./bench-http/load.ts";
import { makePlace, originConfig, type Place } from "./bench-http/place.ts";
import { printRow, printTable, type Measured } from "./bench-http/report.ts";
import { rows, type Row } from "./bench-http/rows.ts";
import { haproxySite, nginxSite, ourSite } from "./bench-http/sites.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * L7 beside nginx and HAProxy, one process or thread each, in turn within each round: processor time of the proxy for each
 * request (fields 14 and 15 of /proc/PID/stat over the tool's count), and what 99 of 100 requests stay below. Take the ratios, not the absolute
 * figures.
 * usage: bun scripts/bench-http.ts [--rows NAME,NAME] [--rounds N] [--seconds N] [--library]
 */

const given = readArguments({
  usage: "scripts/bench http [--rows NAME,NAME] [--rounds N] [--seconds N] [--library]",
  options: { rows: "text", rounds: "number", seconds: "number", library: "flag" },
});
const rounds = numberOf(given, "rounds", 3);
const seconds = numberOf(given, "seconds", 4);
/** Just-in-time compilers have to have seen the work before they are at their speed. */
const warmUpSeconds = 3;

function chosenRows(): readonly Row[] {
  const names = given.get("rows")?.split(",") ?? null;
  if (names === null) return rows;
  const unknown = names.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new Error(
      `there is no row ${unknown.join(", ")}: write one of ${rows.map(({ name }) => name).join(", ")}`,
    );
  return rows.filter(({ name }) => names.includes(name));
}

/** Starts everybody who is compared at a row; the first is the peer that ratios are taken over. */
async function* startAll(place: Place, origin: number, { load, name, site }: Row): AsyncGenerator<Contender> {
  const ends = (): { readonly origin: number; readonly port: number } => ({ origin, port: freePort() });
  const [forNginx, forOurs, forHaproxy] = [ends(), ends(), ends()];
  yield startNginx(place, "nginx", forNginx.port, nginxSite(place, site, forNginx));
  yield startOurs(forOurs.port, ourSite(place, site, forOurs));
  // It wants two descriptors for every connection that it may ever have.
  const isHaproxys = load !== null && site.gzipLevel === undefined; // it chooses its level by itself
  if (existsSync("/usr/sbin/haproxy") && isHaproxys)
    yield startHaproxy(place, forHaproxy.port, haproxySite(place, site, forHaproxy));
  if (name !== "h1-64" || !given.has("library")) return;
  const port = freePort();
  const script = fileURLToPath(new URL("bench-http/library-proxy.ts", import.meta.url));
  yield startProgram("http-proxy-3", port, [process.execPath, script, String(port), String(origin)]);
}

async function compare(place: Place, origin: number, row: Row): Promise<Measured> {
  const contenders: Contender[] = [];
  try {
    for await (const contender of startAll(place, origin, row)) contenders.push(contender);
    const figures = contenders.map((): Figure[] => []);
    const { load } = row;
    if (load === null) {
      for (const [index, contender] of contenders.entries())
        figures[index]?.push({
          microseconds: await idleKiB(contender),
          p99Ms: Number.NaN,
          perSecond: Number.NaN,
          bytesEach: Number.NaN,
        });
    } else {
      for (const contender of contenders) await measure(contender, load, warmUpSeconds, place.folder);
      for (let round = 0; round < rounds; round++)
        for (const [index, contender] of contenders.entries())
          figures[index]?.push(await measure(contender, load, seconds, place.folder));
    }
    return {
      row,
      contenders: contenders.map(({ name }, index) => ({ name, figures: figures[index] ?? [] })),
    };
  } finally {
    for (const contender of contenders) await contender.stop();
  }
}

const chosen = chosenRows();
const place = await makePlace();
const originPort = freePort();
const origin = await startNginx(place, "origin", originPort, originConfig(place, originPort));
try {
  const all: Measured[] = [];
  for (const row of chosen) {
    const measured = await compare(place, originPort, row);
    printRow(measured);
    all.push(measured);
  }
  process.exitCode = printTable(all, rounds, seconds) ? 0 : 1;
} finally {
  await origin.stop();
  rmSync(place.folder, { recursive: true, force: true });
}
