import type { CheckConfig } from "../config.ts";
import type { ProxyProtocolVersion } from "../../base/proxy-protocol.ts";
import { choice, orNull } from "../schema/fields.ts";
import type { Keys } from "./keys.ts";

/** `proxy_protocol` of checks over a connection. */

/** The key as the file has it; null is what clients' connections to the same port begin with. */
export interface ProxyProtocolEntry {
  readonly proxy_protocol: ProxyProtocolVersion | "off" | null;
}

export const proxyProtocolKeys: Keys<ProxyProtocolEntry> = {
  proxy_protocol: orNull(choice(["v1", "v2", "off"])),
};

/**
 * Gives the checks of servers that want a header from `version` on: who speaks with the program that clients speak with
 * sends one too unless it says otherwise. A check of kind `tcp` says nothing to a program, and has no need of it.
 */
export function checksBehind(
  checks: readonly CheckConfig[],
  version: ProxyProtocolVersion | null,
): readonly CheckConfig[] {
  if (version === null) return checks;
  return checks.map((check) => {
    const isSamePlace = check.address === null && check.port === null;
    const speaks = check.kind === "http" || check.kind === "smtp" || check.kind === "grpc";
    const inherits = speaks && isSamePlace && check.proxyProtocol === null;
    return inherits ? { ...check, proxyProtocol: version } : check;
  });
}
