import type { Config, InstanceConfig, MemberConfig } from "./config.ts";
import type { BfdSessionPlan, RivalPlan } from "./bfd-plan.ts";
import { type AddressedNode, sessionEnds } from "./session-ends.ts";

/**
 * BFD: between the nodes one session for each other node and interface, shared by all virtual routers there, and what
 * is spelled out beside it.
 */

/** Gives a node's sessions. */
export function planBfd(config: Config, node: string): readonly BfdSessionPlan[] {
  const nodes = addressedNodes(config);
  const derived = config.instances.flatMap((instance) => derivedSessions(instance, nodes, node));
  const spelledOut = config.bfd.flatMap(({ ends, ...session }) =>
    ends.flatMap(({ node: at, ...end }) => (at === node ? [{ ...session, ...end }] : [])),
  );
  const sessions = [...derived, ...spelledOut];
  return [...new Map(sessions.map((session) => [session.name, session])).values()];
}

/** Gives the other members of a virtual router that a node watches by BFD. */
export function rivalsOf(instance: InstanceConfig, config: Config, own: MemberConfig): readonly RivalPlan[] {
  const derived = derivedSessions(instance, addressedNodes(config), own.node);
  const sessions = new Set(derived.map(({ name }) => name));
  return instance.members.flatMap((rival) => {
    const node = config.nodes.find(({ name }) => name === rival.node);
    const on = [own, ...own.heartbeats].map((path) => sessionName(rival.node, path.interface));
    const watching = on.filter((name) => sessions.has(name));
    if (rival.node === own.node || node === undefined || watching.length === 0) return [];
    const addresses = node.addresses.map(({ address }) => address);
    return [{ sessions: watching, addresses, priority: rival.priority }];
  });
}

/** Gives the sessions that a virtual router asks of a node, without a look at what other routers ask of it. */
export function derivedSessions(
  instance: Pick<InstanceConfig, "bfd" | "members">,
  nodes: readonly AddressedNode[],
  node: string,
): readonly BfdSessionPlan[] {
  const { bfd, members } = instance;
  const own = members.find((member) => member.node === node);
  if (bfd === null || own === undefined) return [];
  const { intervalMs, multiplier } = bfd;
  const pace = { intervalMs, minReceiveMs: intervalMs, multiplier };
  const direct = members.flatMap((rival) => {
    const ends = rival.node === node ? null : sessionEnds(nodes, own, rival);
    return ends === null
      ? []
      : [{ name: sessionName(rival.node, own.interface), interface: own.interface, ...ends, ...pace }];
  });
  // One cut cable between the nodes is no death: they watch each other on every way that advertisements take.
  const beside = own.heartbeats.flatMap(({ interface: on, source, peers }) =>
    peers.map(({ name, address: peer }) => {
      const theirs = members.find((member) => member.node === name)?.heartbeats;
      const other = theirs?.find((heartbeat) => heartbeat.source === peer);
      // Of one family for all, whichever that of the router is: it is the same session.
      const ends =
        other === undefined
          ? null
          : sessionEnds(nodes, { node, interface: on }, { node: name, interface: other.interface });
      return { name: sessionName(name, on), interface: on, ...(ends ?? { source, peer }), ...pace };
    }),
  );
  return [...direct, ...beside];
}

/** Names a session by the node at its other end and the interface at this one. */
function sessionName(rival: string, on: string): string {
  return `${rival}/${on}`;
}

function addressedNodes({ nodes }: Config): readonly AddressedNode[] {
  return nodes.map(({ name, addresses }) => ({
    name,
    address: Object.groupBy(addresses, (own) => own.interface) as AddressedNode["address"],
  }));
}
