import { readFile } from "node:fs/promises";
import { unreachable } from "../base/assert.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { readConfig } from "../config/read.ts";
import { realServerVips } from "../config/real-server-vips.ts";
import {
  type FitnessReport,
  type Report,
  realServerStatus,
  startRealServer,
  stopRealServer,
} from "../real-server/control.ts";
import { isFit } from "../real-server/fitness.ts";
import { describeStep, type Step } from "../real-server/plan.ts";
import { defaultStatePath } from "../real-server/state-file.ts";
import { readVip } from "../real-server/table.ts";

/** How `edge-ha rs` was called. */
export interface RsOptions {
  readonly action: "start" | "stop" | "status";
  /** From `--vip`, as written. */
  readonly vips: readonly string[];
  /** Configuration file that names the VIPs when `--vip` does not. */
  readonly config: string;
  /** State file, or null for the usual one. */
  readonly state: string | null;
  readonly json: boolean;
}

/** Where the VIPs came from, or what is wrong with them. */
type VipList =
  | { readonly kind: "vips"; readonly vips: readonly string[] }
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

/** Makes this machine serve VIPs, stop serving them, or say whether it is fit to; gives the exit status. */
export async function runRs(options: RsOptions): Promise<number> {
  const list = await findVips(options);
  if (list.kind === "wrong") {
    for (const problem of list.problems) complain(options, problem);
    return 2;
  }
  const statePath = options.state ?? defaultStatePath(process.env);
  try {
    switch (options.action) {
      case "start":
        return showReport(options, list.vips, startRealServer(list.vips, statePath));
      case "stop":
        return showReport(options, list.vips, stopRealServer(list.vips, statePath));
      case "status":
        return showFitness(options, realServerStatus(list.vips, statePath));
      default:
        return unreachable(options.action);
    }
  } catch (error) {
    complain(options, `${errorText(error)}${options.action === "status" ? "" : "; nothing was changed"}`);
    if (hasCode(error, "EACCES", "EPERM") && process.getuid?.() !== 0) complain(options, "this takes root");
    return 1;
  }
}

/** `stop` asks no configuration: what it takes back is in the state file, even if the configuration is broken. */
async function findVips(options: RsOptions): Promise<VipList> {
  if (options.vips.length > 0) return readGiven(options.vips);
  if (options.action === "stop") return { kind: "vips", vips: [] };
  let text: Uint8Array;
  try {
    text = await readFile(options.config);
  } catch (error) {
    // `status` can still judge by what was started.
    if (options.action === "status" && hasCode(error, "ENOENT")) return { kind: "vips", vips: [] };
    return wrong(
      `no --vip is given, and ${options.config} cannot be read: ${errorText(error)}; write --vip ADDRESS`,
    );
  }
  const { config, diagnostics } = readConfig(text, options.config);
  if (config === null) {
    return wrong(...diagnostics.map((diagnostic) => formatDiagnostic(options.config, diagnostic)));
  }
  const vips = realServerVips(config);
  if (vips.length > 0) return readGiven(vips);
  return options.action === "status"
    ? { kind: "vips", vips: [] }
    : wrong(
        `${options.config} names no VIP with a service that is forwarded by direct routing; write --vip ADDRESS`,
      );
}

function readGiven(texts: readonly string[]): VipList {
  const readings = texts.map(readVip);
  const problems = readings.flatMap((one) => (one.kind === "wrong" ? [one.problem] : []));
  if (problems.length > 0) return { kind: "wrong", problems };
  return { kind: "vips", vips: readings.flatMap((one) => (one.kind === "vip" ? [one.address] : [])) };
}

function wrong(...problems: readonly string[]): VipList {
  return { kind: "wrong", problems };
}

function showReport(options: RsOptions, vips: readonly string[], report: Report): number {
  const { steps, notes, outcome } = report;
  if (options.json) {
    print(JSON.stringify({ action: options.action, vips, steps, notes, outcome }, null, 2));
  }
  switch (outcome.kind) {
    case "done":
      if (!options.json)
        print([...steps.map(describeStep), ...notes.map(asNote), summary(options, vips, steps)]);
      return 0;
    case "forbidden":
      complain(
        options,
        "EPERM: changing addresses and kernel settings takes root (CAP_NET_ADMIN); not done:",
      );
      for (const step of steps) process.stderr.write(`  ${describeStep(step)}\n`);
      return 1;
    case "failed":
      complain(options, outcome.reason);
      for (const reason of outcome.stuck) complain(options, reason);
      complain(options, aftermath(options, outcome.inForce));
      return 1;
    default:
      return unreachable(outcome);
  }
}

function summary(options: RsOptions, vips: readonly string[], steps: readonly Step[]): string {
  const list = vips.join(", ");
  if (options.action === "start") {
    return steps.length === 0 ? `nothing to change: ${list} served already` : `started: ${list}`;
  }
  return steps.length === 0 ? "nothing to do: not started" : "stopped";
}

function aftermath(options: RsOptions, inForce: readonly Step[]): string {
  if (inForce.length === 0) return "everything is as it was";
  const list = inForce.map(describeStep).join("; ");
  return options.action === "start" ? `could not be taken back: ${list}` : `done before that: ${list}`;
}

function showFitness(options: RsOptions, report: FitnessReport): number {
  const { vips, isStarted, findings } = report;
  const fit = vips.length > 0 && isFit(findings);
  if (options.json) {
    print(JSON.stringify({ isFit: fit, isStarted, vips, findings }, null, 2));
    return fit ? 0 : 1;
  }
  const width = Math.max(0, ...findings.map((one) => one.subject.length));
  print([
    isStarted ? `started: ${vips.join(", ")}` : "not started",
    ...findings.map((one) => `${one.verdict.padEnd(5)}  ${one.subject.padEnd(width)}  ${one.text}`),
    ...(vips.length > 0 ? [] : ["no VIP is known: name one with --vip ADDRESS"]),
    fit ? "fit for direct routing" : "not fit for direct routing",
  ]);
  return fit ? 0 : 1;
}

function asNote(text: string): string {
  return `note: ${text}`;
}

function print(lines: string | readonly string[]): void {
  process.stdout.write(`${typeof lines === "string" ? lines : lines.join("\n")}\n`);
}

function complain(options: RsOptions, text: string): void {
  process.stderr.write(`edge-ha rs ${options.action}: ${text}\n`);
}
