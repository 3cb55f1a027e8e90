import { planNode } from "../../../src/config/plan.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { type Host, waitFor } from "../../support/lab.ts";

/** What a router holds beside its address, from the words of the configuration to what `ip -j` reads in the kernel. */

/** Reads what the elections of a node do from a cluster of lb1 and lb2 with one VIP, 192.0.2.100; 100 ms. */
export function planOf(node: "lb1" | "lb2", keys: readonly string[], o: { address?: string } = {}): VrrpPlan {
  const text = `[cluster]
name = "test"
advert_interval = "100ms"
[[node]]
name = "lb1"
address = { eth0 = "192.0.2.10/24", eth1 = "192.0.3.10/24" }
[[node]]
name = "lb2"
address = { eth0 = "192.0.2.11/24", eth1 = "192.0.3.11/24" }
[[vip]]
name = "public-1"
address = "${o.address ?? "192.0.2.100/24"}"
interface = "eth0"
vrid = 51
prefer = ["lb1", "lb2"]
${keys.join("\n")}
`;
  const { config, diagnostics } = readConfig(text, "file");
  if (config === null) throw new Error(JSON.stringify(diagnostics));
  return planNode(config, node, { cores: 1 }).vrrp;
}

/** An address as `ip -j address` shows it. */
export interface ShownAddress {
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly label?: string;
  readonly nodad?: boolean;
  readonly tentative?: boolean;
  readonly deprecated?: boolean;
}

/** Gives the addresses of an interface; none while it does not exist. */
export async function addressesOn(host: Host, link: string): Promise<readonly ShownAddress[]> {
  const { stdout, exitCode } = await host.run(["ip", "-j", "address", "show", "dev", link]);
  if (exitCode !== 0) return [];
  const links = JSON.parse(stdout) as readonly { readonly addr_info: readonly ShownAddress[] }[];
  return links.flatMap(({ addr_info: addresses }) => addresses);
}

/** Gives the addresses of an interface as texts, such as `192.0.2.100/24`. */
export async function textsOn(host: Host, link: string): Promise<readonly string[]> {
  return (await addressesOn(host, link)).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

/** Gives the routes that carry the tag of the elections, each as `ip` writes it, IPv4 first. */
export async function ourRoutes(host: Host): Promise<readonly string[]> {
  const shown = ["route", "show", "table", "all", "proto", "69"];
  const texts = [await host.ip(["-4", ...shown]), await host.ip(["-6", ...shown])];
  return texts.flatMap((text) =>
    text
      .split("\n")
      .map((line) => line.replaceAll(/\s+/g, " ").trim())
      .filter(Boolean),
  );
}

/** Gives the rules that carry the tag of the elections, each as its priority and the table or word it leads to. */
export async function ourRules(host: Host): Promise<readonly string[]> {
  const rules = await Promise.all(
    ["-4", "-6"].map(async (family) => {
      const text = await host.ip([family, "-j", "-details", "rule", "show"]);
      return JSON.parse(text) as readonly {
        readonly priority: number;
        readonly protocol?: string;
        readonly table?: string;
        readonly action?: string;
      }[];
    }),
  );
  return rules
    .flat()
    .filter(({ protocol }) => protocol === "69")
    .map(({ priority, table, action }) => `${priority} ${table ?? action ?? ""}`);
}

/** Waits until a host has so many of our routes and rules. */
export async function hasFib(host: Host, routes: number, rules: number): Promise<void> {
  await waitFor(`${host.name} has ${routes} routes and ${rules} rules`, async () => {
    return (await ourRoutes(host)).length === routes && (await ourRules(host)).length === rules;
  });
}
