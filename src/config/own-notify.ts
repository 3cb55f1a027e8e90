import type { NotifyScriptPlan, OwnNotifyPlan } from "./node-plan.ts";
import type { OwnNotifyEntry } from "./schema/notify.ts";

/** Gives the programs that are told of one virtual router or sync group alone. */
export function ownNotify(entry: OwnNotifyEntry | null): OwnNotifyPlan | null {
  if (entry === null) return null;
  const { user, timeout: timeoutMs } = entry;
  const program = (command: readonly string[] | null): NotifyScriptPlan | null =>
    command === null ? null : { command, timeoutMs, user };
  return {
    master: program(entry.master),
    backup: program(entry.backup),
    fault: program(entry.fault),
    stop: program(entry.stop),
    script: program(entry.script),
  };
}
