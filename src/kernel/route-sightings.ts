import type { Prefix } from "../base/address.ts";
import { addressBytes, addressFromBytes, familyOf } from "../base/address.ts";
import { parseAttributes, readU32, type Attributes } from "./netlink/attribute.ts";
import { assemble, drop, op, type Step, take } from "./filter-program.ts";
import { testAll } from "./packet-filter.ts";
import { addressFamily, readAddress } from "./route-messages.ts";
import { AF_INET, AF_INET6 } from "./socket-constants.ts";

/** PURE: routes to one destination as rtnetlink(7) shows them, whoever made them, and a filter for the news of them. */

/** One way that a route has. */
export interface RouteHop {
  /** 0 where the kernel does not tell. */
  readonly linkIndex: number;
  /** The next router, or null for what is on the link; of the other family where IPv4 goes over IPv6. */
  readonly gateway: string | null;
}

/** A route that was seen. */
export interface SeenRoute {
  readonly table: number;
  /** Type of service: routes of one destination may differ in it alone. */
  readonly tos: number;
  readonly metric: number;
  /** 1 unicast, 2 local, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw. */
  readonly type: number;
  readonly protocol: number;
  readonly hops: readonly RouteHop[];
}

const rta = {
  destination: 1,
  outputLink: 4,
  gateway: 5,
  priority: 6,
  multipath: 9,
  table: 15,
  via: 18,
} as const;
const headerLength = 12;
const hopLength = 8;
const clonedRoute = 0x200;

/** Reads a route to `destination`; null for a route to elsewhere, or a cached one. */
export function parseSighting(payload: Uint8Array, destination: Prefix): SeenRoute | null {
  // Most of a table goes elsewhere, and this is all that it costs.
  if (payload[1] !== destination.length || payload[0] !== addressFamily(destination.address)) return null;
  if (payload.length < headerLength) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if ((view.getUint32(8, true) & clonedRoute) !== 0) return null;
  const family = view.getUint8(0);
  const attributes = parseAttributes(payload.subarray(headerLength));
  const to = readAddress(family, attributes.get(rta.destination));
  if (destination.length > 0 && to !== destination.address) return null;
  return {
    table: readU32(attributes, rta.table) ?? view.getUint8(4),
    tos: view.getUint8(3),
    metric: readU32(attributes, rta.priority) ?? 0,
    type: view.getUint8(7),
    protocol: view.getUint8(5),
    hops: hopsOf(family, attributes),
  };
}

function hopsOf(family: number, attributes: Attributes): readonly RouteHop[] {
  const several = attributes.get(rta.multipath);
  if (several === undefined) {
    return [{ linkIndex: readU32(attributes, rta.outputLink) ?? 0, gateway: gatewayOf(family, attributes) }];
  }
  // struct rtnexthop { len u16, flags u8, hops u8, ifindex s32 } and attributes, padded to four bytes.
  const view = new DataView(several.buffer, several.byteOffset, several.byteLength);
  const hops: RouteHop[] = [];
  for (let at = 0; at + hopLength <= several.length;) {
    const length = view.getUint16(at, true);
    if (length < hopLength || at + length > several.length) break;
    const inner = parseAttributes(several.subarray(at + hopLength, at + length));
    hops.push({ linkIndex: view.getInt32(at + 4, true), gateway: gatewayOf(family, inner) });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** RTA_VIA { family u16, address } is a router of another family than the destination's. */
function gatewayOf(family: number, attributes: Attributes): string | null {
  const via = attributes.get(rta.via);
  if (via === undefined || via.length < 2) return readAddress(family, attributes.get(rta.gateway));
  const address = via.subarray(2);
  return address.length === 4 || address.length === 16 ? addressFromBytes(address) : null;
}

/** SKF_AD_OFF + SKF_AD_NLATTR: where the attribute of type X stands, looked for from A on; 0 if there is none. */
const findAttribute = 0xffff_f00c;
const messageHeader = 16;
const attributeHeader = 4;

/** Takes the news of one destination's routes: of a full table that changes all the time, the rest wakes nobody up. */
export function destinationFilter({ address, length }: Prefix): Uint8Array {
  const family = familyOf(address) === 4 ? AF_INET : AF_INET6;
  const words = Math.ceil(length / 32);
  const bytes = addressBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const search: readonly Step[] = [
    { code: op.setIndex, value: rta.destination },
    { code: op.load, value: messageHeader + headerLength },
    { code: op.loadWord, value: findAttribute },
    // Nothing found is an offset of 0, where a message's length would be taken for an address.
    { code: op.toIndex, value: 0 },
  ];
  const header = [
    { offset: messageHeader, size: 1, value: family },
    { offset: messageHeader + 1, size: 1, value: length },
  ] as const;
  return assemble([
    ...testAll(header, "drop"),
    ...(words === 0 ? [] : search),
    ...Array.from({ length: words }, (_, word): Step[] => [
      { code: op.loadWordAtIndex, value: attributeHeader + 4 * word },
      { code: op.jumpIfEqual, value: view.getUint32(4 * word, false), no: "drop" },
    ]).flat(),
    take,
    { at: "drop" },
    drop,
  ]);
}
