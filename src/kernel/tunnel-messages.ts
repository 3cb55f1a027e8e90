import { unreachable } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";
import {
  attribute,
  be16,
  nested,
  parseAttributes,
  readBe16,
  readNested,
  readText,
  readU32,
  text,
  u32,
  u8,
} from "./netlink/attribute.ts";

/** PURE: rtnetlink(7) messages that make and describe tunnel devices which take packets from anybody. */

/** The kernel's words for kinds of tunnel devices. */
export type TunnelKind = "ipip" | "gre" | "ip6tnl" | "ip6gre" | "sit";

/** A tunnel device to make. */
export interface TunnelRequest {
  readonly name: string;
  readonly kind: TunnelKind;
  /** GRE: packets have a checksum; those without are dropped, and the other way round. */
  readonly hasChecksum: boolean;
  /** IFLA_GROUP: marks whose it is. */
  readonly group: number;
}

/** A tunnel device that is there. */
export interface TunnelDetails extends TunnelRequest {
  readonly index: number;
  readonly isUp: boolean;
  /** "external": it takes packets from anybody and to anybody. */
  readonly takesAll: boolean;
}

const headerLength = 16;
const iffUp = 0x1;
const ifla = { ifname: 3, linkInfo: 18, group: 27 } as const;
const info = { kind: 1, data: 2 } as const;
// linux/if_tunnel.h: IFLA_IPTUN_* and IFLA_GRE_*.
const ipTunnel = { protocol: 9, collectMetadata: 19 } as const;
const gre = { inputFlags: 2, collectMetadata: 18 } as const;
const greChecksum = 0x8000;
const kinds: ReadonlySet<string> = new Set(["ipip", "gre", "ip6tnl", "ip6gre", "sit"]);

function isTunnelKind(kind: string | null): kind is TunnelKind {
  return kind !== null && kinds.has(kind);
}

/** Writes the RTM_NEWLINK payload of a tunnel device; the kernel loads the module of its kind if need be. */
export function tunnelPayload({ name, kind, hasChecksum, group }: TunnelRequest): Uint8Array {
  return concatBytes(
    new Uint8Array(headerLength),
    text(ifla.ifname, name),
    u32(ifla.group, group),
    nested(ifla.linkInfo, text(info.kind, kind), nested(info.data, ...settings(kind, hasChecksum))),
  );
}

function settings(kind: TunnelKind, hasChecksum: boolean): readonly Uint8Array[] {
  const flag = new Uint8Array(0);
  switch (kind) {
    case "ipip":
      return [attribute(ipTunnel.collectMetadata, flag)];
    case "ip6tnl":
      // Protocol 0: IPv4 and IPv6 inside.
      return [u8(ipTunnel.protocol, 0), attribute(ipTunnel.collectMetadata, flag)];
    case "gre":
    case "ip6gre":
      return [
        ...(hasChecksum ? [be16(gre.inputFlags, greChecksum)] : []),
        attribute(gre.collectMetadata, flag),
      ];
    case "sit":
      return [];
    default:
      return unreachable(kind);
  }
}

/** Reads an RTM_NEWLINK payload; null if it is no tunnel of these kinds. */
export function parseTunnel(payload: Uint8Array): TunnelDetails | null {
  if (payload.length < headerLength) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = parseAttributes(payload.subarray(headerLength));
  const linkInfo = readNested(attributes, ifla.linkInfo);
  const kind = readText(linkInfo, info.kind);
  if (!isTunnelKind(kind)) return null;
  const data = readNested(linkInfo, info.data);
  const isGre = kind === "gre" || kind === "ip6gre";
  return {
    index: view.getInt32(4, true),
    name: readText(attributes, ifla.ifname) ?? "",
    kind,
    hasChecksum: isGre && ((readBe16(data, gre.inputFlags) ?? 0) & greChecksum) !== 0,
    group: readU32(attributes, ifla.group) ?? 0,
    isUp: (view.getUint32(8, true) & iffUp) !== 0,
    takesAll: data.has(isGre ? gre.collectMetadata : ipTunnel.collectMetadata),
  };
}
