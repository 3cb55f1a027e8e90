/** PURE: what the agent answers, in the words of HAProxy's agent check. */

/** What the operator has said: no new connections, or none at all. */
export type DrainWord = "drain" | "maint";

/** What the answer is made of. */
export interface AgentState {
  /** Null is in service. */
  readonly drain: DrainWord | null;
  /** Why the machine's own check finds its server down; null where it is up, or nothing checks it. */
  readonly problem: string | null;
  /** Share of the weight in the directors' file, 1 to 100. */
  readonly percent: number;
}

/**
 * Gives the one line of the answer. `ready` takes an earlier `drain` or `maint` back, `up` an earlier `down`; so each
 * answer says it all, whatever the director has heard before.
 */
export function agentLine({ drain, problem, percent }: AgentState): string {
  const state = drain ?? "ready";
  if (problem !== null) return `down ${state} # ${printable(problem)}\n`;
  return drain === null ? `up ready ${percent}%\n` : `up ${drain}\n`;
}

/** The answer is one line, and `#` begins the reason. */
function printable(text: string): string {
  return text.replaceAll(/[^ -~]|#/g, " ").slice(0, 100);
}
