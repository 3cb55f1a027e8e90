import { askAdmin } from "../admin/client.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { ProbeSetPlan } from "../config/check-plan.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import { DrainBook } from "../director/drain-book.ts";
import { forecast, type Present } from "../director/forecast.ts";
import { stepText, summaryText, type Step } from "../director/plan.ts";
import { setVerdict, setWeightWord, withSets } from "../health/probe-sets.ts";
import type { NodeStatus } from "../ipc/status.ts";
import { Ipvs, type IpvsService } from "../kernel/ipvs.ts";
import { Journal, stateDirectory } from "../kernel/journal.ts";

/** What a plan would change in this host's IPVS table, or why that cannot be said. */
export type KernelForecast =
  | { readonly steps: readonly Step[]; readonly reason: null }
  | { readonly steps: null; readonly reason: string };

/** Compares a plan with the kernel's table as it is, without changing anything; null if IPVS has no part in it. */
export async function forecastKernel(plan: DirectorPlan, socket: string): Promise<KernelForecast | null> {
  let owned: ReadonlySet<string> = new Set();
  try {
    owned = Journal.open(stateDirectory(process.env), "director").entries;
  } catch {
    // Without /proc nothing is known to be ours.
  }
  if (plan.services.length === 0 && owned.size === 0) return null;
  const actual = readTable();
  if (typeof actual === "string") return { steps: null, reason: actual };
  const said = await runningChecks(socket, plan.probeSets);
  const { drains } = DrainBook.open(stateDirectory(process.env));
  return { steps: forecast(plan.services, { actual, owned, drains, ...said }), reason: null };
}

/** Gives the table, or why it cannot be read. */
function readTable(): readonly IpvsService[] | string {
  let ipvs: Ipvs | null = null;
  try {
    ipvs = Ipvs.openLoaded();
    return ipvs.services();
  } catch (error) {
    if (hasCode(error, "ENOENT"))
      return "IPVS is not loaded here; `edge-ha serve` loads it, if the kernel has it";
    if (hasCode(error, "EPERM", "EACCES")) return "only root may read the kernel's IPVS table";
    return `the kernel's IPVS table cannot be read: ${errorText(error)}`;
  } finally {
    ipvs?.close();
  }
}

/** What the checks of the service that runs here say; nothing if none runs. */
async function runningChecks(
  socket: string,
  sets: readonly ProbeSetPlan[],
): Promise<Pick<Present, "verdicts" | "words">> {
  try {
    // The service on the other end is this very version's `serveAdmin`.
    const { probes } = (await askAdmin(socket, "GET", "/status")) as NodeStatus;
    return {
      verdicts: withSets(sets, new Map(probes.map(({ id, isUp }) => [id, isUp])), setVerdict),
      words: withSets(
        sets,
        new Map(probes.flatMap(({ id, weight }) => (weight === null ? [] : [[id, weight]]))),
        setWeightWord,
      ),
    };
  } catch {
    return { verdicts: new Map(), words: new Map() };
  }
}

/** How many steps are written out for a person; `--json` has them all. */
const mostShown = 100;

/** Writes a forecast for a person to read. */
export function describeForecast({ steps, reason }: KernelForecast): string {
  if (steps === null) return `the kernel's table now: unknown: ${reason}`;
  if (steps.length === 0) return "the kernel's table now: as it should be, nothing to change";
  const shown = steps.slice(0, mostShown).map((step) => `  ${stepText(step)}`);
  const rest = steps.length - shown.length;
  if (rest > 0) shown.push(`  and ${rest} more`);
  return [`steps from the kernel's table as it is now (${summaryText(steps)}):`, ...shown].join("\n");
}
