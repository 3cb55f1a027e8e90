import { isDeepStrictEqual } from "node:util";
import { familyOf } from "../base/address.ts";
import { removeDurably } from "../base/replace-file.ts";
import { errorText } from "../base/system-error.ts";
import { readTunnel, type TunnelForm } from "../config/tunnel-words.ts";
import { type Outcome, takeAllOrNone, takeWhatGoes, takeWhileTheyGo } from "./apply.ts";
import type { Circumstances } from "./fitness.ts";
import { Host, mayChangeNetwork } from "./host.ts";
import { planStart, planStop, type StartPlan } from "./plan.ts";
import { readState, writeState } from "./state-file.ts";
import type { SavedState } from "./state.ts";
import type { Step } from "./steps.ts";
import { desiredTable, type Wish } from "./table.ts";

/**
 * `start` and `stop` of a web server behind direct routing or tunnels. The state file is on the disk before the
 * first change and goes after the last, so that whatever happens in between can be taken back.
 */

/** How `start` or `stop` went; thrown errors come from before the first change. */
export interface Report {
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
  readonly outcome: Outcome | { readonly kind: "forbidden" };
}

/** Brings this machine to serve these VIPs; takes everything back if a step fails. */
export function startRealServer(wish: Wish, statePath: string): Report {
  return withHost((host) => bringAbout(host, wish, statePath));
}

/** Stops serving these VIPs; with none named, or none left, everything is as it was before the first start. */
export function stopRealServer(vips: readonly string[], statePath: string): Report {
  return withHost((host) => {
    const saved = readState(statePath);
    const actual = host.read();
    const started = saved?.bootId === actual.bootId ? saved.vips.map((vip) => vip.address) : [];
    const remaining = started.filter((vip) => !vips.includes(vip));
    if (vips.length > 0 && remaining.length > 0) {
      return bringAbout(host, { vips: remaining, tunnels: savedTunnels(saved) }, statePath);
    }
    return takeBack(host, statePath);
  });
}

/** Puts everything back as it was before the first start. */
export function takeBack(host: Host, statePath: string): Report {
  const saved = readState(statePath);
  const { steps, notes } = planStop(host.read(), saved);
  if (steps.length > 0 && !mayChangeNetwork()) return { steps, notes, outcome: { kind: "forbidden" } };
  // The VIPs leave before the ARP settings do: if one cannot, the settings that keep it quiet stay.
  const outcome = takeWhileTheyGo(steps, (step) => host.perform(step));
  if (outcome.kind !== "done" || saved === null) return { steps, notes, outcome };
  return { steps, notes, outcome: keepFile(steps, () => removeDurably(statePath)) };
}

/** Brings a wish about and writes down what was there before; takes everything back if a step fails. */
export function bringAbout(host: Host, wish: Wish, statePath: string): Report {
  const circumstances = host.circumstances();
  const obstacle = obstacleTo(wish.vips, circumstances);
  if (obstacle !== null) throw new Error(obstacle);
  const saved = readState(statePath);
  const report = carryOut(host, wish, { saved, statePath }, (steps, perform) => {
    const outcome = takeAllOrNone(steps, perform);
    // If not all could be taken back, the journal stays: it knows what has yet to be.
    if (outcome.kind === "failed" && outcome.stuck.length === 0) restoreState(statePath, saved);
    return outcome;
  });
  return { ...report, notes: [...report.notes, ...oddities(circumstances, wish.vips)] };
}

/**
 * Puts back what somebody has changed of a wish that is in force: as much of it as can be, for what cannot be had of one VIP
 * is no reason to leave another one dark, or its ARP settings open.
 */
export function putBack(host: Host, wish: Wish, statePath: string): Report {
  const obstacle = obstacleTo(wish.vips, host.circumstances());
  const report = carryOut(host, wish, { saved: readState(statePath), statePath }, takeWhatGoes);
  const { outcome, steps } = report;
  if (obstacle === null || outcome.kind === "forbidden") return report;
  const inForce = outcome.kind === "done" ? steps : outcome.inForce;
  return { ...report, outcome: { kind: "failed", reason: obstacle, inForce, stuck: [] } };
}

/** The state file, and what stands in it. */
interface StateFile {
  readonly statePath: string;
  readonly saved: SavedState | null;
}

/** Leads to a wish by a way of taking steps; the state file says before it what may be there, and after it what is. */
function carryOut(
  host: Host,
  wish: Wish,
  { saved, statePath }: StateFile,
  take: (steps: readonly Step[], perform: (step: Step) => void) => Outcome,
): Report {
  const { journal, notes, outcome: goal, steps } = planFor(host, wish, saved);
  if (steps.length > 0 && !mayChangeNetwork()) return { steps, notes, outcome: { kind: "forbidden" } };
  if (!isDeepStrictEqual(journal, saved)) writeState(statePath, journal);
  const outcome = take(steps, (step) => host.perform(step));
  if (outcome.kind === "failed" || isDeepStrictEqual(goal, journal)) return { steps, notes, outcome };
  return { steps, notes, outcome: keepFile(steps, () => writeState(statePath, goal)) };
}

function planFor(host: Host, wish: Wish, saved: SavedState | null): StartPlan {
  const actual = host.read();
  return planStart(desiredTable(wish, [...actual.addresses, ...(saved?.vips ?? [])]), actual, saved);
}

/** Says why VIPs cannot be served here as things are; null if they can. */
function obstacleTo(
  vips: readonly string[],
  { hasIpv6, isLoopbackUp }: Pick<Circumstances, "hasIpv6" | "isLoopbackUp">,
): string | null {
  if (!isLoopbackUp) return "lo is down: bring it up with `ip link set lo up`";
  if (!hasIpv6 && vips.some((vip) => familyOf(vip) === 6))
    return "IPv6 is switched off on lo: run `sysctl -w net.ipv6.conf.lo.disable_ipv6=0`";
  return null;
}

/** Gives the tunnels that were asked for when the state file was written. */
export function savedTunnels(saved: SavedState | null): readonly TunnelForm[] {
  return (saved?.tunnels ?? []).flatMap((word) => readTunnel(word) ?? []);
}

/** Changes the state file after the steps; when that fails they are in force all the same. */
function keepFile(steps: readonly Step[], change: () => void): Outcome {
  try {
    change();
    return { kind: "done" };
  } catch (error) {
    const reason = `the state file could not be brought up to date: ${errorText(error)}`;
    return { kind: "failed", reason, inForce: steps, stuck: [] };
  }
}

function withHost<Result>(use: (host: Host) => Result): Result {
  const host = Host.open();
  try {
    return use(host);
  } finally {
    host.close();
  }
}

/** A VIP that another interface carries answers ARP there, whatever is on `lo`. */
function oddities({ elsewhere }: Circumstances, vips: readonly string[]): readonly string[] {
  return elsewhere
    .filter((one) => vips.includes(one.address))
    .map((one) => `${one.address} is on ${one.interface} too, where ARP requests for it are answered`);
}

function restoreState(path: string, saved: SavedState | null): void {
  if (saved === null) removeDurably(path);
  else writeState(path, saved);
}
