import type { Config, InstanceConfig, MemberConfig } from "./config.ts";
import type { BfdSessionPlan, RivalPlan } from "./bfd-plan.ts";
import { type AddressedNode, sessionEnds } from "./session-ends.ts";

/** BFD between the nodes: one session for each other node and interface, shared by all virtual routers there. */

/** Gives a node's sessions. */
export function planBfd(config: Config, node: string): readonly BfdSessionPlan[] {
  const sessions = config.instances.flatMap((instance) => derivedSessions(instance, config, node));
  return [...new Map(sessions.map((session) => [session.name, session])).values()];
}

/** Gives the other members of a virtual router that a node watches by BFD. */
export function rivalsOf(instance: InstanceConfig, config: Config, own: MemberConfig): readonly RivalPlan[] {
  return derivedSessions(instance, config, own.node).flatMap(({ name: session }) => {
    const rival = instance.members.find((member) => sessionName(member, own) === session);
    const node = config.nodes.find(({ name }) => name === rival?.node);
    if (rival === undefined || node === undefined) return [];
    const addresses = node.addresses.map(({ address }) => address);
    return [{ session, addresses, priority: rival.priority }];
  });
}

function derivedSessions(instance: InstanceConfig, config: Config, node: string): readonly BfdSessionPlan[] {
  const { bfd, members } = instance;
  const own = members.find((member) => member.node === node);
  if (bfd === null || own === undefined) return [];
  const { intervalMs, multiplier } = bfd;
  return members.flatMap((rival) => {
    if (rival.node === node) return [];
    const ends = sessionEnds(addressedNodes(config), own, rival);
    if (ends === null) return [];
    const pace = { intervalMs, minReceiveMs: intervalMs, multiplier };
    return [{ name: sessionName(rival, own), interface: own.interface, ...ends, ...pace }];
  });
}

/** Names a session by the node at its other end and the interface at this one. */
function sessionName(rival: MemberConfig, own: MemberConfig): string {
  return `${rival.node}/${own.interface}`;
}

function addressedNodes({ nodes }: Config): readonly AddressedNode[] {
  return nodes.map(({ name, addresses }) => ({
    name,
    address: Object.groupBy(addresses, (own) => own.interface) as AddressedNode["address"],
  }));
}
