import { readConfig, type ReadConfig } from "../../../src/config/read.ts";
import { formatDiagnostic } from "../../../src/config/diagnostic.ts";
import type { Config } from "../../../src/config/config.ts";

/** A cluster of two nodes on two networks, to which a test adds what it is about; it has 11 lines. */
export const base = `[cluster]
name = "shop"
vrrp_version = 2
[[node]]
name = "lb1"
address = { eth1 = "10.16.8.10", eth2 = "172.16.8.10" }
[[node]]
name = "lb2"
address = { eth1 = "10.16.8.11", eth2 = "172.16.8.11" }
[proxy]
user = "nobody"
`;

/** A VIP to hang other things on; it has 5 lines. */
export const vip = `[[vip]]
name = "public"
address = "172.16.8.100/24"
vrid = 191
prefer = ["lb1", "lb2"]
`;

/** Reads a text and gives its diagnostics as `line:column key: what; remedy`. */
export function linesOf(text: string): readonly string[] {
  return readConfig(text, "f").diagnostics.map((diagnostic) => formatDiagnostic("f", diagnostic).slice(2));
}

/** Reads a text that must be without errors. */
export function configOf(text: string): Config {
  const result: ReadConfig = readConfig(text, "f");
  if (result.config === null) throw new Error(linesOf(text).join("\n"));
  return result.config;
}
