import { unreachable } from "../base/assert.ts";
import type { NotifyScriptPlan, OwnNotifyPlan } from "../config/node-plan.ts";
import type { Election } from "./election-types.ts";

/** What scripts and the FIFO are told, in keepalived's words, so that what was written for it goes on working. PURE. */

/** A state as keepalived calls it. */
export type NoticeState = "MASTER" | "BACKUP" | "FAULT" | "STOP";

/** One change of state of an instance or of a sync group. */
export interface Notice {
  readonly kind: "INSTANCE" | "GROUP";
  readonly name: string;
  readonly state: NoticeState;
  /** keepalived gives 0 for groups. */
  readonly priority: number;
  readonly reason: string;
  /** Address of the router last heard, or empty. */
  readonly peer: string;
  /** As `address/length`. */
  readonly addresses: readonly string[];
}

/** Gives keepalived's word for a state; null for one that is passed through: what comes of it is told. */
export function noticeState(state: Election["state"]): NoticeState | null {
  switch (state) {
    case "active":
      return "MASTER";
    case "backup":
      return "BACKUP";
    case "fault":
      return "FAULT";
    case "initialize":
      return "STOP";
    case "leaving":
      return null;
    default:
      return unreachable(state);
  }
}

/** Gives a group's state: the one that all its members are in, or null while they differ. */
export function groupState(members: readonly (NoticeState | null)[]): NoticeState | null {
  const [first = null, ...others] = members;
  return others.every((state) => state === first) ? first : null;
}

/**
 * Gives an instance's own programs in keepalived's order: that of the state as it is written, then the one that is told
 * every state.
 */
export function ownPrograms(
  { master, backup, fault, stop, script }: OwnNotifyPlan,
  state: NoticeState,
): readonly { readonly program: NotifyScriptPlan; readonly isTold: boolean }[] {
  const ofState = { MASTER: master, BACKUP: backup, FAULT: fault, STOP: stop }[state];
  return [
    ...(ofState === null ? [] : [{ program: ofState, isTold: false }]),
    ...(script === null ? [] : [{ program: script, isTold: true }]),
  ];
}

/** Gives the arguments a script gets after its own. */
export function scriptArguments({ kind, name, state, priority }: Notice): readonly string[] {
  return [kind, name, state, String(priority)];
}

/** Gives what a script finds in its environment. */
export function scriptEnvironment(notice: Notice, node: string): Readonly<Record<string, string>> {
  return {
    EDGE_HA_NODE: node,
    EDGE_HA_REASON: notice.reason,
    EDGE_HA_PEER: notice.peer,
    EDGE_HA_ADDRESSES: notice.addresses.join(" "),
  };
}

/** Gives the line for the FIFO. */
export function fifoLine({ kind, name, state, priority }: Notice): string {
  return `${kind} "${name}" ${state} ${priority}\n`;
}
