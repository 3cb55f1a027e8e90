import { assert } from "../base/assert.ts";
import type { Config } from "./config.ts";
import { deepFreeze } from "./freeze.ts";
import type { NodePlan } from "./node-plan.ts";
import { withOwnSources } from "./own-sources.ts";
import { planDirector } from "./plan-director.ts";
import { planProxy } from "./plan-proxy.ts";
import { planVrrp } from "./plan-vrrp.ts";
import { closest, quoted } from "./suggestion.ts";

/** What a host knows about itself. */
export interface HostIdentity {
  /** What `--node` says, or null. */
  readonly name: string | null;
  readonly hostName: string;
  /** Addresses on its interfaces, in canonical form. */
  readonly localAddresses: readonly string[];
}

/** The node a host is, with how that was found out, or the reason why it is none. */
export type FoundNode =
  | { readonly node: string; readonly by: "--node" | "host name" | "address" }
  | { readonly node: null; readonly reason: string };

/** Finds which node of the cluster a host is: by `--node`, else by its host name, else by an address it carries. */
export function findNode(config: Config, host: HostIdentity): FoundNode {
  const names = config.nodes.map((node) => node.name);
  if (host.name !== null) return findByOption(host.name, names);
  const short = host.hostName.split(".")[0] ?? "";
  const byName = names.find((name) => name === host.hostName) ?? names.find((name) => name === short);
  if (byName !== undefined) return { node: byName, by: "host name" };
  const carried = config.nodes
    .filter((node) => node.addresses.some(({ address }) => host.localAddresses.includes(address)))
    .map(({ name }) => name);
  const [first, second] = carried;
  if (first !== undefined && second === undefined) return { node: first, by: "address" };
  if (first !== undefined) {
    const reason = `this host carries addresses of several nodes: ${quoted(carried)}; say which one it is with --node`;
    return { node: null, reason };
  }
  const what = `neither the host name "${host.hostName}" nor an address of this host is a node's`;
  return {
    node: null,
    reason: `${what}; say which node it is with --node (${quoted(names)}), or add it as a [[node]]`,
  };
}

function findByOption(name: string, names: readonly string[]): FoundNode {
  if (names.includes(name)) return { node: name, by: "--node" };
  const near = closest(name, names);
  const remedy =
    near === null ? `use one of ${quoted(names)}, or add it as a [[node]]` : `did you mean "${near}"?`;
  return { node: null, reason: `there is no [[node]] named "${name}"; ${remedy}` };
}

/** Cuts one node's part out of the cluster; `node` is the name of one of its nodes, `cores` how many processors it has. */
export function planNode(config: Config, node: string, host: { readonly cores: number }): NodePlan {
  assert(
    config.nodes.some(({ name }) => name === node),
    `"${node}" is a node of the cluster`,
  );
  const own = withOwnSources(config, node);
  return deepFreeze({
    cluster: own.cluster,
    node,
    vrrp: planVrrp(own, node),
    director: planDirector(own, node),
    proxy: planProxy(own, node, host.cores),
  });
}
