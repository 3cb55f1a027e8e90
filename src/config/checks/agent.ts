import type { AgentCheck } from "../check-plan.ts";
import { orElse, text } from "../schema/fields.ts";
import type { Keys } from "./keys.ts";

/** `check = { type = "agent", … }`, as HAProxy's agent-check. */

/** The keys as the file has them. */
export interface AgentEntry {
  readonly send: string;
}

/** The keys of an agent check. */
export const agentKeys: Keys<AgentEntry> = { send: orElse(text('send = "web"'), "") };

/** Reads an agent check. */
export function readAgent({ send }: AgentEntry): AgentCheck {
  return { kind: "agent", send };
}

/** Writes what tells an agent check from others. */
export function agentWords({ send }: AgentCheck): readonly string[] {
  return send === "" ? [] : [`send ${JSON.stringify(send)}`];
}
