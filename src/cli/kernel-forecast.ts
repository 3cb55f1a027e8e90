import { silentLog } from "../base/log.ts";
import { askAdmin } from "../admin/client.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { ProbeSetPlan } from "../config/check-plan.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import { DrainBook } from "../director/drain-book.ts";
import { forecast, type Present } from "../director/forecast.ts";
import { forecastFooting, type FootingForecast } from "../director/footing-forecast.ts";
import { settingsPort } from "../director/open-footing.ts";
import { stepText, summaryText, type Step } from "../director/plan.ts";
import { setVerdict, setWeightWord, withSets } from "../health/probe-sets.ts";
import type { NodeStatus } from "../ipc/status.ts";
import { Ipvs, type IpvsService } from "../kernel/ipvs.ts";
import { ownEntries, stateDirectory } from "../kernel/journal.ts";
import { Nftables } from "../kernel/nftables.ts";

/** What a plan would change in this host's IPVS table, or why that cannot be said, and what beside it. */
export type KernelForecast = (
  | { readonly steps: readonly Step[]; readonly reason: null }
  | { readonly steps: null; readonly reason: string }
) & {
  /** Null where this user may not look. */
  readonly footing: FootingForecast | null;
};

/** Compares a plan with the kernel's table as it is, without changing anything; null if IPVS has no part in it. */
export async function forecastKernel(plan: DirectorPlan, socket: string): Promise<KernelForecast | null> {
  const owned = ownEntries("director");
  const heldSettings = ownEntries("settings");
  const ownDaemons = ownEntries("sync-daemons");
  const isUnconcerned = plan.services.length + owned.size + heldSettings.size + ownDaemons.size === 0;
  if (isUnconcerned) return null;
  const footing = process.getuid?.() === 0 ? readFooting(plan, heldSettings, ownDaemons) : null;
  const actual = readTable();
  if (typeof actual === "string") return { steps: null, reason: actual, footing };
  const said = await runningChecks(socket, plan.probeSets);
  const { drains } = DrainBook.open(stateDirectory(process.env), silentLog);
  return { steps: forecast(plan.services, { actual, owned, drains, ...said }), reason: null, footing };
}

/** Compares what a plan needs beside the table with what there is; loads no module for that. */
function readFooting(
  plan: DirectorPlan,
  heldSettings: ReadonlySet<string>,
  ownDaemons: ReadonlySet<string>,
): FootingForecast {
  using opened = new DisposableStack();
  let ipvs: Ipvs | null = null;
  let filter: Nftables | null = null;
  const openIpvs = (): Ipvs => (ipvs ??= opened.adopt(Ipvs.openLoaded(), (one) => one.close()));
  return forecastFooting(plan, {
    readSetting: (path) => settingsPort(openIpvs).read(path),
    daemons: () => {
      try {
        return openIpvs().daemons();
      } catch (error) {
        // Without the module there are none.
        if (hasCode(error, "ENOENT")) return [];
        throw error;
      }
    },
    filter: () => (filter ??= opened.adopt(Nftables.open(), (one) => one.close())),
    heldSettings,
    ownDaemons,
  });
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
export function describeForecast(forecasted: KernelForecast): string {
  const { footing } = forecasted;
  const lines = [
    ...(footing?.changes ?? []).map((change) => `  ${change}`),
    ...(footing?.problems ?? []).map((problem) => `  cannot be had now: ${problem}`),
  ];
  const beside = lines.length === 0 ? [] : ["beside the table, in the words of the log:", ...lines];
  return [describeSteps(forecasted), ...beside].join("\n");
}

function describeSteps({ steps, reason }: KernelForecast): string {
  if (steps === null) return `the kernel's table now: unknown: ${reason}`;
  if (steps.length === 0) return "the kernel's table now: as it should be, nothing to change";
  const shown = steps.slice(0, mostShown).map((step) => `  ${stepText(step)}`);
  const rest = steps.length - shown.length;
  if (rest > 0) shown.push(`  and ${rest} more`);
  return [`steps from the kernel's table as it is now (${summaryText(steps)}):`, ...shown].join("\n");
}
