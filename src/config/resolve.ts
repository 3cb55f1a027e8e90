import type { Family } from "../base/address.ts";
import type { InstanceConfig, MemberConfig, TrackConfig } from "./config.ts";
import {
  advertisedAddresses,
  listedAddresses,
  routerFamily,
  suggestedVrid,
  virtualAddressesOf,
} from "./families.ts";
import { errorAt, type Finding } from "./finding.ts";
import { ownNotify } from "./own-notify.ts";
import { vipMembers, vrrpMembers } from "./members.ts";
import type { DeclaredNames, Resolved } from "./model.ts";
import { unicastOf, withPaths } from "./paths.ts";
import type { AuthEntry } from "./schema/auth.ts";
import { usualGarp, type ClusterEntry } from "./schema/cluster.ts";
import type { TrackEntry } from "./schema/track.ts";
import type { VipEntry, VrrpEntry } from "./schema/vrrp.ts";
import type { Element, Sections } from "./sections.ts";
import { kindsIn } from "./tracks/kinds.ts";
import { scriptKind } from "./tracks/script.ts";

/** Derives from the tables what they leave to derivation: members, interfaces, priorities, VRIDs, and which tracks concern whom. */

/** What holds while `[cluster]` itself is broken, so that the rest can still be looked at. */
const fallback: ClusterEntry = {
  name: "",
  advert_interval: 1000,
  vrrp_version: 3,
  group: "224.0.0.18",
  group6: "ff02::12",
  checksum: null,
  nodad: true,
  down_after: 3,
  peers: "multicast",
  unicast_ttl: null,
  check_source: null,
  heartbeats: null,
  preempt: true,
  preempt_delay: 0,
  startup_delay: 0,
  skip_check_addresses: false,
  drain_timeout: 0,
  accept: null,
  strict: false,
  virtual_mac: false,
  auth: null,
  garp: usualGarp,
  bfd: null,
};

/** Gives every virtual router of the file, VIPs first. */
export function resolveInstances(
  sections: Sections,
  declared: DeclaredNames,
  findings: Finding[],
): readonly Resolved[] {
  const nodes = new Map(sections.nodes.map(({ value }) => [value.name, value]));
  const around = { nodes, declared, findings };
  const cluster = sections.cluster?.value ?? fallback;
  const tracks = resolveTracks(sections.tracks);
  const clusterPath = sections.cluster?.path ?? [];
  const above = { value: cluster, path: clusterPath };
  const drafts = [
    ...sections.vips.map((element) => ({ element, participants: vipMembers(element, around) })),
    ...sections.vrrps.map((element) => ({ element, participants: vrrpMembers(element, around) })),
  ].map(({ element, participants }) => ({
    element,
    members: withPaths({ router: element, cluster: above }, participants, around),
  }));
  const vrids = assignVrids(drafts, findings);
  return drafts.map(({ element, members }, index) => {
    const { value, path } = element;
    const isVip = "prefer" in value;
    const vrid = vrids[index] ?? 0;
    const family = routerFamily(value);
    const listed = listedAddresses(value);
    const version = (isVip ? null : value.version) ?? cluster.vrrp_version;
    const config: InstanceConfig = {
      name: value.name,
      form: isVip ? "vip" : "vrrp",
      vrid,
      family,
      version,
      advertIntervalMs: value.advert_interval ?? cluster.advert_interval,
      downAfter: value.down_after ?? cluster.down_after,
      preempts: value.preempt ?? cluster.preempt,
      preemptDelayMs: value.preempt_delay ?? cluster.preempt_delay,
      startupDelayMs: value.startup_delay ?? cluster.startup_delay,
      accepts: value.accept ?? cluster.accept ?? !(value.strict ?? cluster.strict),
      isStrict: value.strict ?? cluster.strict,
      skipsAddressCheck: value.skip_check_addresses ?? cluster.skip_check_addresses,
      addresses: advertisedAddresses(listed, vrid),
      label: value.label,
      scope: value.scope ?? "global",
      detectsDuplicates: !(value.nodad ?? cluster.nodad),
      extraAddresses: value.extra_addresses,
      routes: value.routes,
      rules: value.rules,
      group: family === 4 ? (value.group ?? cluster.group) : (value.group6 ?? cluster.group6),
      unicast: unicastOf(value, cluster),
      virtualMac: value.virtual_mac ?? cluster.virtual_mac,
      password: passwordOf(value.auth ?? cluster.auth),
      hmac: hmacOf(value.auth ?? cluster.auth),
      checksum: hasChecksumForms(family, version)
        ? (value.checksum ?? cluster.checksum ?? "pseudo-header")
        : "pseudo-header",
      garp: garpOf(value.garp ?? cluster.garp),
      members,
      tracks: tracksOf(value, { sections, tracks }),
      needsProxy: false,
      notify: ownNotify(value.notify),
      bfd: bfdOf(value.bfd ?? cluster.bfd),
    };
    return { config: { ...config, needsProxy: needsProxy(config, sections) }, path, listed };
  });
}

interface Draft {
  readonly element: Element<VipEntry | VrrpEntry>;
  readonly members: readonly MemberConfig[];
}

/** Over IPv6 and in version 2 there is one way to make the checksum. */
function hasChecksumForms(family: Family, version: 2 | 3): boolean {
  return family === 4 && version === 3;
}

/**
 * Gives each router its VRID: the file's, else the one its address suggests if that is free on all its interfaces, else
 * the next free one above, going round from 255 to 1. IPv4 and IPv6 number their routers apart (RFC 9568 §5.2.3).
 */
function assignVrids(drafts: readonly Draft[], findings: Finding[]): readonly number[] {
  const taken = new Set<string>();
  const take = (draft: Draft, vrid: number): void => {
    for (const member of draft.members) for (const each of segments(draft, member, vrid)) taken.add(each);
  };
  for (const draft of drafts) {
    const { vrid } = draft.element.value;
    if (vrid !== null) take(draft, vrid);
  }
  return drafts.map((draft) => {
    const { value, path } = draft.element;
    if (value.vrid !== null) return value.vrid;
    const vrid = freeVrid(suggestedVrid(listedAddresses(value)[0]?.address ?? "0.0.0.1"), (candidate) =>
      draft.members.some((member) => segments(draft, member, candidate).some((each) => taken.has(each))),
    );
    if (vrid === null)
      findings.push(
        errorAt([...path, "vrid"], "all 255 VRIDs of its interface are taken", "use another interface"),
      );
    else take(draft, vrid);
    return vrid ?? 1;
  });
}

/** A heartbeat carries the router's VRID on its interface too. */
function segments(
  { element }: Draft,
  { node, interface: own, heartbeats }: MemberConfig,
  vrid: number,
): readonly string[] {
  const family = routerFamily(element.value);
  const links = [own, ...heartbeats.map(({ interface: on }) => on)];
  return links.map((on) => `${node} ${on} IPv${family} ${vrid}`);
}

function freeVrid(wish: number, isTaken: (vrid: number) => boolean): number | null {
  for (let step = 0; step < 255; step++) {
    const candidate = ((Math.max(1, wish) - 1 + step) % 255) + 1;
    if (!isTaken(candidate)) return candidate;
  }
  return null;
}

function passwordOf(auth: AuthEntry | null): string | null {
  return auth?.type === "pass" ? auth.password : null;
}

function hmacOf(auth: AuthEntry | null): InstanceConfig["hmac"] {
  if (auth?.type !== "hmac") return null;
  const { keys, mode } = auth;
  const timeWindowMs = auth.anti_replay === "monotonic" ? null : (auth.time_window ?? 30_000);
  return { keys, mode, timeWindowMs, activeKey: auth.active_key ?? keys[0]?.id ?? 0 };
}

function garpOf(garp: ClusterEntry["garp"]): InstanceConfig["garp"] {
  return {
    burst: garp.burst,
    repeatDelayMs: garp.repeat_delay,
    refreshMs: garp.refresh,
    refreshCount: garp.refresh_count ?? 1,
    intervalMs: garp.interval,
  };
}

function bfdOf(bfd: VipEntry["bfd"]): InstanceConfig["bfd"] {
  if (bfd === null || bfd === false) return null;
  return { intervalMs: bfd.interval, multiplier: bfd.multiplier };
}

/**
 * Tracks concern every router of the node, narrowed by the track's `vips` and by the router's `track`. Where a sync group
 * names tracks, its members have those, and what concerns one of them by name.
 */
function tracksOf(
  value: VipEntry | VrrpEntry,
  from: { readonly sections: Sections; readonly tracks: readonly TrackConfig[] },
): readonly string[] {
  const group = from.sections.syncGroups.find((each) => each.value.vips.includes(value.name));
  const shared = group?.value.track ?? null;
  return from.tracks.flatMap((track, index) => {
    const vips = from.sections.tracks[index]?.value.vips ?? null;
    const isMeant = vips === null || vips.includes(value.name);
    const isChosen =
      value.track === null ? shared === null || vips !== null : value.track.includes(track.name);
    return (isMeant && isChosen) || shared?.includes(track.name) === true ? [track.name] : [];
  });
}

/** A router whose address the proxy processes answer on is of no use while they are dead. */
function needsProxy(instance: InstanceConfig, sections: Sections): boolean {
  const { sites, listeners, services } = sections;
  const { name } = instance;
  const own = new Set(virtualAddressesOf(instance).map(({ address }) => address));
  const served = new Set(sites.flatMap(({ value }) => value.listeners));
  const hasListener = listeners.some(({ value: listener }) => {
    if (!served.has(listener.name)) return false;
    const { address } = listener.address;
    if (address !== null) return own.has(address);
    return listener.vips.length === 0 || listener.vips.includes(name);
  });
  const hasRelay = services.some(
    ({ value: service }) =>
      service.forward === "proxy" &&
      (service.vips.includes(name) || service.addresses.some((address) => own.has(address))),
  );
  return hasListener || hasRelay;
}

/** Reads the tracks; one without a name is named after what it tracks. */
export function resolveTracks(tracks: readonly Element<TrackEntry>[]): readonly TrackConfig[] {
  const taken = new Set(tracks.flatMap(({ value }) => value.name ?? []));
  return tracks.map(({ value }) => {
    // A rule refuses a table without a subject, and one with two.
    const kind = kindsIn(value)[0] ?? scriptKind;
    const subject = kind.calledAfter(value);
    let name = value.name ?? subject;
    for (let number = 2; value.name === null && taken.has(name); number++) name = `${subject}-${number}`;
    taken.add(name);
    return kind.read(value, { name, weight: value.weight, reverse: value.reverse ?? false });
  });
}
