import { addressBytes, familyOf, type Family, type Prefix } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import {
  attribute,
  parseAttributes,
  readText,
  readU32,
  readU8,
  text,
  u32,
  u8,
  type Attributes,
} from "./netlink/attribute.ts";
import { addressFamily, readAddress } from "./route-messages.ts";
import { AF_INET, AF_INET6 } from "./socket-constants.ts";

/** PURE: rtnetlink(7) messages for what forwards: routes, and the rules that choose their tables. */

/** A route to one destination. */
export interface RouteRequest {
  readonly destination: Prefix;
  /** 0 where the route leads nowhere, or its gateway says it all. */
  readonly linkIndex: number;
  /** RTA_GATEWAY: the next router, of the destination's family, or null. */
  readonly gateway: string | null;
  /** RTA_PREFSRC: the address that own packets come from, or null. */
  readonly source: string | null;
  /** RTA_PRIORITY: the smallest wins. The kernel makes 1024 of an IPv6 route's 0. */
  readonly metric: number;
  readonly table: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** RTPROT: who put it there. */
  readonly protocol: number;
  /** 1 unicast, 2 local, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw. */
  readonly type: number;
  /** RTNH_F_ONLINK: the gateway counts as a neighbour though no network says so. */
  readonly isOnLink: boolean;
}

/** A rule of the policy database. */
export interface RuleRequest {
  readonly family: Family;
  /** FRA_PRIORITY: the smallest is asked first. */
  readonly priority: number;
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  readonly inputLink: string | null;
  readonly outputLink: string | null;
  /** Packet mark and the bits of it that count, or null. */
  readonly mark: { readonly value: number; readonly mask: number } | null;
  /** 0 where the action needs none. */
  readonly table: number;
  /** 1 look up the table, 6 blackhole, 7 unreachable, 8 prohibit. */
  readonly action: number;
  /** FRA_PROTOCOL: who put it there; 0 if the kernel (before 4.17) does not say. */
  readonly protocol: number;
}

const rta = {
  destination: 1,
  outputLink: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  table: 15,
  mark: 16,
} as const;
const clonedRoute = 0x200;
const onLink = 0x4;
const fra = {
  to: 1,
  from: 2,
  inputLink: 3,
  priority: 6,
  mark: 10,
  table: 15,
  markMask: 16,
  outputLink: 17,
  protocol: 21,
} as const;
const headerLength = 12;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Writes the payload that asks for one family's routes of a table and of whoever put them there; 0 is every one.
 * Kernels from 4.20 on filter by both themselves.
 */
export function routeDump(
  family: typeof AF_INET | typeof AF_INET6,
  table: number,
  protocol: number,
): Uint8Array {
  const header = new Uint8Array(headerLength);
  header[0] = family;
  header[4] = table < 256 ? table : 0;
  header[5] = protocol;
  return concatBytes(header, ...(table === 0 ? [] : [u32(rta.table, table)]));
}

/** Writes the payload that asks which way packets with a mark would go to an address. */
export function wayQuestion(address: string, mark: number): Uint8Array {
  const bytes = addressBytes(address);
  const header = new Uint8Array(headerLength);
  header[0] = addressFamily(address);
  header[1] = bytes.length * 8;
  return concatBytes(header, attribute(rta.destination, bytes), u32(rta.mark, mark));
}

/** Reads from the answer the index of the interface they would leave through; null if it has none. */
export function wayLink(payload: Uint8Array): number | null {
  return readU32(parseAttributes(payload.subarray(headerLength)), rta.outputLink);
}

/** Writes an RTM_NEWROUTE or RTM_DELROUTE payload. */
export function routePayload(route: RouteRequest): Uint8Array {
  const { destination, gateway, source, metric, linkIndex, table } = route;
  const header = new Uint8Array(headerLength);
  header[0] = addressFamily(destination.address);
  header[1] = destination.length;
  header[4] = table < 256 ? table : 0;
  header[5] = route.protocol;
  header[6] = route.scope;
  header[7] = route.type;
  viewOf(header).setUint32(8, route.isOnLink ? onLink : 0, true);
  return concatBytes(
    header,
    attribute(rta.destination, addressBytes(destination.address)),
    ...(gateway === null ? [] : [attribute(rta.gateway, addressBytes(gateway))]),
    ...(source === null ? [] : [attribute(rta.source, addressBytes(source))]),
    ...(metric === 0 ? [] : [u32(rta.priority, metric)]),
    ...(linkIndex === 0 ? [] : [u32(rta.outputLink, linkIndex)]),
    u32(rta.table, table),
  );
}

/** Reads an RTM_NEWROUTE or RTM_DELROUTE payload; null for a cached route and for other families. */
export function parseRoute(payload: Uint8Array): RouteRequest | null {
  if (payload.length < headerLength) return null;
  const view = viewOf(payload);
  const flags = view.getUint32(8, true);
  if ((flags & clonedRoute) !== 0) return null;
  const family = view.getUint8(0);
  const attributes = parseAttributes(payload.subarray(headerLength));
  const anywhere = family === AF_INET ? new Uint8Array(4) : new Uint8Array(16);
  const address = readAddress(family, attributes.get(rta.destination) ?? anywhere);
  if (address === null) return null;
  return {
    destination: { address, length: view.getUint8(1) },
    linkIndex: readU32(attributes, rta.outputLink) ?? 0,
    gateway: readAddress(family, attributes.get(rta.gateway)),
    source: readAddress(family, attributes.get(rta.source)),
    metric: readU32(attributes, rta.priority) ?? 0,
    table: readU32(attributes, rta.table) ?? view.getUint8(4),
    protocol: view.getUint8(5),
    scope: view.getUint8(6),
    type: view.getUint8(7),
    isOnLink: (flags & onLink) !== 0,
  };
}

/** Writes the payload that asks for one family's rules. */
export function ruleDump(family: typeof AF_INET | typeof AF_INET6): Uint8Array {
  const header = new Uint8Array(headerLength);
  header[0] = family;
  return header;
}

/** Writes an RTM_NEWRULE or RTM_DELRULE payload. */
export function rulePayload(rule: RuleRequest): Uint8Array {
  const { from, to, inputLink, outputLink, mark, table } = rule;
  const header = new Uint8Array(headerLength);
  header[0] = rule.family === 4 ? AF_INET : AF_INET6;
  header[1] = to?.length ?? 0;
  header[2] = from?.length ?? 0;
  header[4] = table < 256 ? table : 0;
  header[7] = rule.action;
  return concatBytes(
    header,
    ...(from === null ? [] : [attribute(fra.from, addressBytes(from.address))]),
    ...(to === null ? [] : [attribute(fra.to, addressBytes(to.address))]),
    ...(inputLink === null ? [] : [text(fra.inputLink, inputLink)]),
    ...(outputLink === null ? [] : [text(fra.outputLink, outputLink)]),
    ...(mark === null ? [] : [u32(fra.mark, mark.value), u32(fra.markMask, mark.mask)]),
    ...(table === 0 ? [] : [u32(fra.table, table)]),
    u32(fra.priority, rule.priority),
    ...(rule.protocol === 0 ? [] : [u8(fra.protocol, rule.protocol)]),
  );
}

/** Reads an RTM_NEWRULE or RTM_DELRULE payload; null for other families. */
export function parseRule(payload: Uint8Array): RuleRequest | null {
  if (payload.length < headerLength) return null;
  const view = viewOf(payload);
  const family = view.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return null;
  const attributes = parseAttributes(payload.subarray(headerLength));
  const prefix = (type: number, length: number): Prefix | null => {
    const address = readAddress(family, attributes.get(type));
    return address === null ? null : { address, length };
  };
  return {
    family: family === AF_INET ? 4 : 6,
    priority: readU32(attributes, fra.priority) ?? 0,
    from: prefix(fra.from, view.getUint8(2)),
    to: prefix(fra.to, view.getUint8(1)),
    inputLink: readText(attributes, fra.inputLink),
    outputLink: readText(attributes, fra.outputLink),
    mark: readMark(attributes),
    table: readU32(attributes, fra.table) ?? view.getUint8(4),
    action: view.getUint8(7),
    protocol: readU8(attributes, fra.protocol) ?? 0,
  };
}

function readMark(attributes: Attributes): RuleRequest["mark"] {
  const value = readU32(attributes, fra.mark);
  const mask = readU32(attributes, fra.markMask);
  if (value === null && mask === null) return null;
  return { value: value ?? 0, mask: mask ?? 0xffff_ffff };
}

/** Tells whether two requests name the same route, whoever put it there; the kernel keeps one of each. */
export function isSameRoute(a: RouteRequest, b: RouteRequest): boolean {
  // The kernel writes the loopback into an IPv6 route that leads nowhere, and knows no scopes there.
  const isV6 = familyOf(a.destination.address) === 6;
  const leadsNowhere = a.type !== 1 && a.type !== 2;
  return (
    a.destination.address === b.destination.address &&
    a.destination.length === b.destination.length &&
    a.table === b.table &&
    a.metric === b.metric &&
    a.type === b.type &&
    a.gateway === b.gateway &&
    a.source === b.source &&
    a.isOnLink === b.isOnLink &&
    (leadsNowhere || a.linkIndex === b.linkIndex) &&
    (isV6 || a.scope === b.scope)
  );
}

/** Names a rule by everything that makes it one, the tag aside. */
export function ruleKey(rule: RuleRequest): string {
  const { family, priority, from, to, inputLink, outputLink, mark, table, action } = rule;
  return JSON.stringify([family, priority, from, to, inputLink, outputLink, mark, table, action]);
}
