import { parsePrefix, type Prefix } from "../base/address.ts";

/** PURE: the values of the agent of `edge-ha rs serve`, as they are written in the file and on the command line. */

/** Where the agent's share of its weight comes from: the processor's idle time, or always all of it. */
export type AgentWeight = "cpu" | "none";

/** An address to listen on. */
export interface AgentAddress {
  /** Null is every address. */
  readonly address: string | null;
  readonly port: number;
}

/** The agent. */
export interface AgentForm extends AgentAddress {
  /** Who may ask; empty is everybody. */
  readonly allow: readonly Prefix[];
  readonly weight: AgentWeight;
}

/** Reads `10.16.8.8:8081`, `[2001:db8::8]:8081` or `:8081`; null if it is none. */
export function readAgentAddress(text: string): AgentAddress | null {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (parts === null) return null;
  const [, inBrackets, plain = "", digits = ""] = parts;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return null;
  if (inBrackets === undefined && plain === "") return { address: null, port };
  const prefix = parsePrefix(inBrackets ?? plain);
  const isHost = prefix !== null && !(inBrackets ?? plain).includes("/");
  if (!isHost || prefix.address.includes(":") !== (inBrackets !== undefined)) return null;
  return { address: prefix.address, port };
}
