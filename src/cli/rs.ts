import { unreachable } from "../base/assert.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import { type Report, startRealServer, stopRealServer } from "../real-server/control.ts";
import { isFit } from "../real-server/fitness.ts";
import { takeLock } from "../real-server/lock.ts";
import { defaultStatePath } from "../real-server/state-file.ts";
import { type FitnessReport, realServerStatus } from "../real-server/status.ts";
import { describeStep, type Step } from "../real-server/steps.ts";
import { findWish, readGiven, type WishOptions } from "./rs-wish.ts";

/** How `edge-ha rs` was called. */
export interface RsOptions extends WishOptions {
  readonly action: "start" | "stop" | "status";
  /** State file, or null for the usual one. */
  readonly state: string | null;
  readonly json: boolean;
}

/** Makes this machine serve VIPs, stop serving them, or say whether it is fit to; gives the exit status. */
export async function runRs(options: RsOptions): Promise<number> {
  const { action } = options;
  // `stop` asks no configuration: what it takes back is in the state file, even if the configuration is broken.
  const reading =
    action === "stop" ? readGiven(options.vips, []) : await findWish(options, action === "status");
  if (reading.kind === "wrong") {
    for (const problem of reading.problems) complain(options, problem);
    return 2;
  }
  const { wish } = reading;
  const statePath = options.state ?? defaultStatePath(process.env);
  try {
    if (action === "status") {
      const { directors, realServer } = reading;
      const question = { directors, sockets: realServer?.sockets ?? [], statePath };
      return showFitness(options, await realServerStatus(wish, question));
    }
    const lock = await takeLock();
    if (lock.kind === "busy") {
      complain(options, `${lock.reason}; nothing was changed`);
      return 1;
    }
    if (lock.note !== "") complain(options, lock.note);
    const report =
      action === "start" ? startRealServer(wish, statePath) : stopRealServer(wish.vips, statePath);
    return showReport(options, wish.vips, report);
  } catch (error) {
    complain(options, `${errorText(error)}${action === "status" ? "" : "; nothing was changed"}`);
    if (hasCode(error, "EACCES", "EPERM") && process.getuid?.() !== 0) complain(options, "this takes root");
    return 1;
  }
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
  const { vips, isStarted, drain, findings } = report;
  const fit = vips.length > 0 && isFit(findings);
  if (options.json) {
    print(JSON.stringify({ isFit: fit, isStarted, drain, vips, findings }, null, 2));
    return fit ? 0 : 1;
  }
  const width = Math.max(0, ...findings.map((one) => one.subject.length));
  print([
    isStarted ? `started: ${vips.join(", ")}` : "not started",
    ...(drain === null ? [] : [`out of service: ${drain}, until \`edge-ha rs drain --undo\``]),
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
