import { hasCode } from "../base/system-error.ts";

/** Gives an error of a datagram socket in an operator's words: refused is what TCP says. */
export function portUnreachable(error: unknown): unknown {
  return hasCode(error, "ECONNREFUSED") ? new Error("port unreachable") : error;
}
