import { askAdmin } from "../admin/client.ts";
import { errorText } from "../base/system-error.ts";
import type { HandoverOrder, HandoverOutcome, HandoverReport } from "../ipc/handover.ts";

/** How `edge-ha failover` was called. */
export interface FailoverOptions {
  readonly socket: string;
  readonly names: readonly string[];
  readonly all: boolean;
  readonly back: boolean;
  readonly now: boolean;
  readonly json: boolean;
}

/** Hands virtual addresses over, or takes the usual claim again; 0 done, 1 not (all of it), 2 wrong command line. */
export async function runFailover(options: FailoverOptions): Promise<number> {
  const { socket, names, all, back, now, json } = options;
  const mistake = commandLineMistake(options);
  if (mistake !== null) {
    process.stderr.write(`edge-ha failover: ${mistake}\n`);
    return 2;
  }
  const order: HandoverOrder = { names: all || names.length === 0 ? null : names, isBack: back, isNow: now };
  let report: HandoverReport;
  try {
    // The service on the other end is this very version's `serveAdmin`.
    report = (await askAdmin(socket, "POST", "/failover", order)) as HandoverReport;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(describeReport(report, order));
  if (report.refusal !== null) process.stderr.write(`${report.refusal}\n`);
  return report.refusal === null && report.outcomes.every(({ isDone }) => isDone) ? 0 : 1;
}

/** Writes the outcomes for a person to read, a line for each. */
export function describeReport({ outcomes, refusal }: HandoverReport, order: HandoverOrder): string {
  if (refusal !== null) return "";
  if (outcomes.length > 0) return outcomes.map(outcomeLine).join("");
  return order.isBack
    ? "nothing was handed over\n"
    : "this node holds no address that could be handed over\n";
}

function outcomeLine({ name, text }: HandoverOutcome): string {
  return `${name}: ${text}\n`;
}

function commandLineMistake({ names, all, back, now }: FailoverOptions): string | null {
  if (back && now) return "--now is about handing over: nothing is waited for with --back";
  if (all && names.length > 0) return "name what to hand over, or say --all, not both";
  if (!all && !back && names.length === 0)
    return "name the virtual routers or sync groups to hand over (`edge-ha status` lists them), or say --all";
  return null;
}
