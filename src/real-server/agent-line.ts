/** PURE: what the agent answers, in the words of HAProxy's agent check. */

/** What the operator has said: no new connections, or none at all. */
export type DrainWord = "drain" | "maint";

/** What the answer is made of. */
export interface AgentState {
  /** Null is in service. */
  readonly drain: DrainWord | null;
  /** What the machine's own check of its server says; true where there is none. */
  readonly isUp: boolean;
  /** Share of the weight in the directors' file, 1 to 100. */
  readonly percent: number;
}

/**
 * Gives the one line of the answer. `ready` takes an earlier `drain` or `maint` back, `up` an earlier `down`; so each
 * answer says it all, whatever the director has heard before.
 */
export function agentLine({ drain, isUp, percent }: AgentState): string {
  const health = isUp ? "up" : "down";
  if (drain !== null) return `${health} ${drain}\n`;
  return isUp ? `up ready ${percent}%\n` : "down ready\n";
}
