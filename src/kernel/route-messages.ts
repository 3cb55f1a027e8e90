import { addressBytes, addressFromBytes, familyOf } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import { attribute, parseAttributes, readText, readU32, readU8, text, u32, u8 } from "./netlink/attribute.ts";
import { AF_INET, AF_INET6, AF_UNSPEC } from "./socket-constants.ts";

/** PURE: rtnetlink(7) messages for links and addresses; fib-messages.ts has those for routes and rules. */

export const routeMessage = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newRule: 32,
  delRule: 33,
  getRule: 34,
} as const;

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Empty where the link has none. */
  readonly mac: Uint8Array;
  /** Administratively up (IFF_UP). */
  readonly isUp: boolean;
  /** The other end of the cable is there (IFF_LOWER_UP, or IFF_RUNNING). */
  readonly hasCarrier: boolean;
  readonly mtu: number;
}

/** An address on an interface. */
export interface InterfaceAddress {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
  /** IPv4: the interface's name if no other was given; IPv6: null. */
  readonly label: string | null;
  readonly scope: number;
  /** IFA_PROTO: who put it there; 0 if the kernel does not say. */
  readonly protocol: number;
  /**
   * IPv6: tentative while duplicate address detection goes on, duplicate if another host has it; neither can be used.
   * IPv4 is always ready.
   */
  readonly readiness: "ready" | "tentative" | "duplicate";
}

/** An address to put on an interface. */
export interface AddressRequest extends Omit<InterfaceAddress, "readiness"> {
  /** IPv6: asks the network first whether anybody has it, during a second or two in which it is of no use; else not. */
  readonly detectsDuplicates?: boolean;
  /** IPv6: others are preferred as the source of what this host sends of its own accord; else not. */
  readonly isDeprecated?: boolean;
}

const iff = { up: 0x1, running: 0x40, lowerUp: 0x10000 } as const;
const ifla = { address: 1, ifname: 3, mtu: 4, extensionMask: 29 } as const;
// RTEXT_FILTER_SKIP_STATS: counters would be most of the answer.
const skipStatistics = 0x8;
const ifa = { address: 1, local: 2, label: 3, cacheInfo: 6, flags: 8, protocol: 11 } as const;
const ifaFlag = { noDuplicateDetection: 0x02, duplicate: 0x08, tentative: 0x40 } as const;
// struct ifa_cacheinfo: preferred for 0 s, valid for ever; two times that the kernel fills in.
const deprecated = Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Gives the kernel's number for the family of an address. */
export function addressFamily(address: string): number {
  return familyOf(address) === 4 ? AF_INET : AF_INET6;
}

/** Writes the header of what is said of a link; `change` are the flags that get the values of `flags`. */
export function linkHeader(index: number, flags = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return bytes;
}

/** Writes the RTM_NEWLINK payload that sets a link up or down. */
export function upPayload(index: number, isUp: boolean): Uint8Array {
  return linkHeader(index, isUp ? iff.up : 0, iff.up);
}

/** Writes the RTM_DELLINK payload of a link. */
export function linkRemoval(index: number): Uint8Array {
  return linkHeader(index);
}

/** Writes the payload that asks for all links, without their statistics. */
export function linkDump(): Uint8Array {
  return concatBytes(linkHeader(0), u32(ifla.extensionMask, skipStatistics));
}

/** Writes the payload that asks for all addresses of both families. */
export function addressDump(): Uint8Array {
  return new Uint8Array(8);
}

/** Reads an RTM_NEWLINK or RTM_DELLINK payload; null if it is too short, or about a part that a link plays elsewhere. */
export function parseLink(payload: Uint8Array): Link | null {
  if (payload.length < 16) return null;
  const view = viewOf(payload);
  // A port that leaves its bridge is told as RTM_DELLINK of the bridge's family, and is there as before.
  if (view.getUint8(0) !== AF_UNSPEC) return null;
  const flags = view.getUint32(8, true);
  const attributes = parseAttributes(payload.subarray(16));
  return {
    index: view.getInt32(4, true),
    name: readText(attributes, ifla.ifname) ?? "",
    mac: attributes.get(ifla.address)?.slice() ?? new Uint8Array(0),
    isUp: (flags & iff.up) !== 0,
    hasCarrier: (flags & (iff.lowerUp | iff.running)) !== 0,
    mtu: readU32(attributes, ifla.mtu) ?? 0,
  };
}

/** Writes an RTM_NEWADDR payload; `isTagged` adds IFA_PROTO. */
export function addressPayload(request: AddressRequest, isTagged: boolean): Uint8Array {
  const { address, label, protocol, detectsDuplicates = false, isDeprecated = false } = request;
  const bytes = addressBytes(address);
  const isV6 = familyOf(address) === 6;
  return concatBytes(
    addressHeader(request, request.scope),
    attribute(ifa.local, bytes),
    attribute(ifa.address, bytes),
    ...(label === null || isV6 ? [] : [text(ifa.label, label)]),
    ...(isV6 && isDeprecated ? [attribute(ifa.cacheInfo, deprecated)] : []),
    ...(isV6 && !detectsDuplicates ? [u32(ifa.flags, ifaFlag.noDuplicateDetection)] : []),
    ...(isTagged ? [u8(ifa.protocol, protocol)] : []),
  );
}

/** Writes an RTM_DELADDR payload. */
export function addressRemoval(
  request: Pick<AddressRequest, "linkIndex" | "address" | "prefixLength">,
): Uint8Array {
  const bytes = addressBytes(request.address);
  return concatBytes(addressHeader(request, 0), attribute(ifa.local, bytes), attribute(ifa.address, bytes));
}

function addressHeader(
  request: Pick<AddressRequest, "linkIndex" | "address" | "prefixLength">,
  scope: number,
): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = addressFamily(request.address);
  header[1] = request.prefixLength;
  header[3] = scope;
  viewOf(header).setUint32(4, request.linkIndex, true);
  return header;
}

/** Reads an RTM_NEWADDR or RTM_DELADDR payload; null if it is no IPv4 or IPv6 address. */
export function parseAddress(payload: Uint8Array): InterfaceAddress | null {
  if (payload.length < 8) return null;
  const view = viewOf(payload);
  const attributes = parseAttributes(payload.subarray(8));
  // IFA_ADDRESS is the peer's on a point-to-point link, and IFA_LOCAL one's own; IPv6 has IFA_ADDRESS alone.
  const address = readAddress(view.getUint8(0), attributes.get(ifa.local) ?? attributes.get(ifa.address));
  if (address === null) return null;
  return {
    linkIndex: view.getUint32(4, true),
    address,
    prefixLength: view.getUint8(1),
    label: readText(attributes, ifa.label),
    scope: view.getUint8(3),
    protocol: readU8(attributes, ifa.protocol) ?? 0,
    readiness: readinessOf(readU32(attributes, ifa.flags) ?? view.getUint8(2)),
  };
}

function readinessOf(flags: number): InterfaceAddress["readiness"] {
  // An address that has failed stays tentative.
  if ((flags & ifaFlag.duplicate) !== 0) return "duplicate";
  return (flags & ifaFlag.tentative) === 0 ? "ready" : "tentative";
}

/** Reads an address of a family; null if it is missing, has another length or the family is no IP. */
export function readAddress(family: number, bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  const length = family === AF_INET ? 4 : family === AF_INET6 ? 16 : -1;
  return bytes.length === length ? addressFromBytes(bytes) : null;
}
