import { familyOf, isLinkLocal } from "../base/address.ts";
import type { Config, InstanceConfig, MemberConfig, TrackConfig } from "./config.ts";
import { planBfd, rivalsOf } from "./plan-bfd.ts";
import type { VrrpInstancePlan, VrrpPlan } from "./node-plan.ts";
import { advertisedAddressPlans, extraAddressPlans, routePlans, rulePlans } from "./plan-holdings.ts";
import { virtualMacLink } from "./plan-virtual-mac.ts";
import { plannedServer } from "./probes.ts";
import type { TrackPlan } from "./track-plan.ts";
import { countingServers } from "./tracked-servers.ts";

/** Gives a node's part in the elections: the instances it is a member of, and the groups and tracks that concern them. */
export function planVrrp(config: Config, node: string): VrrpPlan {
  const instances = config.instances.flatMap((instance) =>
    instance.members
      .filter((member) => member.node === node)
      .map((member) => instancePlan(config, instance, member)),
  );
  const names = new Set(instances.map(({ name }) => name));
  const tracks = new Set(instances.flatMap((instance) => instance.tracks));
  const syncGroups = config.syncGroups
    .map((group) => ({ ...group, instances: group.instances.filter((name) => names.has(name)) }))
    .filter((group) => group.instances.length > 0);
  const isAnyoneTold = [config, ...instances, ...syncGroups].some(({ notify }) => notify !== null);
  return {
    instances,
    syncGroups,
    drainTimeoutMs: config.drainTimeoutMs,
    tracks: config.tracks.filter(({ name }) => tracks.has(name)).map((track) => trackPlan(track, config)),
    bfd: planBfd(config, node),
    notify:
      instances.length === 0 || !isAnyoneTold ? null : { node, script: null, fifo: null, ...config.notify },
  };
}

/** Gives a track with the servers that it looks at: those that take traffic. */
function trackPlan(track: TrackConfig, config: Config): TrackPlan {
  if (track.kind !== "servers") return track;
  const { of, target, ...rest } = track;
  const servers = countingServers(track, config).map(plannedServer);
  return {
    ...rest,
    subject: `${of} ${target}`,
    servers: servers.map(({ address, port, probe }) => ({ address, port, probe })),
  };
}

function instancePlan(config: Config, instance: InstanceConfig, member: MemberConfig): VrrpInstancePlan {
  const { name, family, version, vrid, advertIntervalMs, group, password, hmac, checksum, garp } = instance;
  const { downAfter, preempts, preemptDelayMs, startupDelayMs, skipsAddressCheck } = instance;
  return {
    name,
    interface: member.interface,
    family,
    virtualMac: virtualMacLink(instance, member),
    version,
    vrid,
    priority: member.priority,
    advertIntervalMs,
    downAfter,
    preempts,
    preemptDelayMs,
    startupDelayMs,
    skipsAddressCheck,
    // RFC 9568 §6.4.3: the owner accepts what is sent to its own addresses.
    accepts: instance.accepts || member.priority === 255,
    isStrict: instance.isStrict,
    addresses: advertisedAddressPlans(config.nodes, instance, member),
    extraAddresses: extraAddressPlans(config.nodes, instance, member),
    routes: routePlans(config, instance, member),
    rules: rulePlans(instance),
    group,
    unicast: instance.unicast,
    peers: member.peers,
    heartbeats: member.heartbeats,
    source: member.source,
    password,
    hmac,
    checksum,
    garp,
    tracks: instance.tracks,
    needsProxy: instance.needsProxy,
    notify: instance.notify,
    neighbours: instance.members
      .filter(({ node }) => node !== member.node)
      .map((other) => ({
        node: other.node,
        priority: other.priority,
        address: other.source ?? knownSource(config, instance, other),
      })),
    rivals: rivalsOf(instance, config, member),
  };
}

/** Gives the address that a node speaks from as far as the file knows it: over IPv6 a link-local one. */
function knownSource(config: Config, { family }: InstanceConfig, member: MemberConfig): string | null {
  const node = config.nodes.find(({ name }) => name === member.node);
  const own = node?.addresses.filter((each) => each.interface === member.interface) ?? [];
  const isSource = (address: string): boolean =>
    familyOf(address) === family && (family === 4 || isLinkLocal(address));
  return own.find(({ address }) => isSource(address))?.address ?? null;
}
