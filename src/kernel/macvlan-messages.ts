import { concatBytes } from "../base/bytes.ts";
import {
  attribute,
  nested,
  parseAttributes,
  readNested,
  readText,
  readU32,
  text,
  u32,
} from "./netlink/attribute.ts";
import { linkHeader } from "./route-messages.ts";

/** PURE: rtnetlink(7) messages that make and describe macvlans. */

/** A network interface with what tells one kind from another. */
export interface LinkDetails {
  readonly index: number;
  readonly name: string;
  /** Empty where it has none. */
  readonly mac: Uint8Array;
  readonly isUp: boolean;
  /** ARPHRD_ETHER: it carries Ethernet frames to others. */
  readonly isEthernet: boolean;
  /** Such as `macvlan` or `bridge`; null for a piece of hardware. */
  readonly kind: string | null;
  readonly group: number;
  readonly alias: string | null;
  /** The interface it stands on, or null. */
  readonly parentIndex: number | null;
  /** Whether it is a macvlan in bridge mode. */
  readonly isMacvlanBridge: boolean;
}

/** A macvlan to make. */
export interface MacvlanRequest {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly parentIndex: number;
  readonly group: number;
}

const headerLength = 16;
const iffUp = 0x1;
const arphrdEther = 1;
const ifla = { address: 1, ifname: 3, link: 5, linkInfo: 18, alias: 20, group: 27 } as const;
const info = { kind: 1, data: 2 } as const;
const macvlanMode = 1;
/** MACVLAN_MODE_BRIDGE. */
const bridgeMode = 4;

/**
 * Writes the RTM_NEWLINK payload of a macvlan in bridge mode. The mode matters: in private mode the kernel takes a frame
 * whose source is the macvlan's own MAC, such as a rival's advertisement, away from the interface below.
 */
export function macvlanPayload(request: MacvlanRequest): Uint8Array {
  return concatBytes(
    linkHeader(0),
    text(ifla.ifname, request.name),
    u32(ifla.link, request.parentIndex),
    attribute(ifla.address, request.mac),
    u32(ifla.group, request.group),
    nested(ifla.linkInfo, text(info.kind, "macvlan"), nested(info.data, u32(macvlanMode, bridgeMode))),
  );
}

/** Writes the RTM_NEWLINK payload that gives an interface a description. */
export function aliasPayload(index: number, alias: string): Uint8Array {
  return concatBytes(linkHeader(index), text(ifla.alias, alias));
}

/** Writes the RTM_GETLINK payload that asks for one interface. */
export function linkQuery(name: string): Uint8Array {
  return concatBytes(linkHeader(0), text(ifla.ifname, name));
}

/** Writes the RTM_DELLINK payload of all interfaces of a group. */
export function groupRemoval(group: number): Uint8Array {
  return concatBytes(linkHeader(0), u32(ifla.group, group));
}

/** Reads an RTM_NEWLINK payload; null if it is too short. */
export function parseLinkDetails(payload: Uint8Array): LinkDetails | null {
  if (payload.length < headerLength) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = parseAttributes(payload.subarray(headerLength));
  const linkInfo = readNested(attributes, ifla.linkInfo);
  const kind = readText(linkInfo, info.kind);
  return {
    index: view.getInt32(4, true),
    name: readText(attributes, ifla.ifname) ?? "",
    mac: attributes.get(ifla.address)?.slice() ?? new Uint8Array(0),
    isUp: (view.getUint32(8, true) & iffUp) !== 0,
    isEthernet: view.getUint16(2, true) === arphrdEther,
    kind,
    group: readU32(attributes, ifla.group) ?? 0,
    alias: readText(attributes, ifla.alias),
    parentIndex: readU32(attributes, ifla.link),
    isMacvlanBridge:
      kind === "macvlan" && readU32(readNested(linkInfo, info.data), macvlanMode) === bridgeMode,
  };
}
