import { familyOf, type Family } from "../base/address.ts";
import type { TunnelForm } from "../config/tunnel-words.ts";

/**
 * What unpacks the requests of directors that tunnel. PURE. Each kind of packing has its own device, which takes
 * packets from any director; it is `rs`'s own and goes with it. IPv6 in IPv4 is the exception: the kernel has only
 * one device for it, `sit0`, which is set up and down. GUE's UDP port strips its own header and hands the rest on.
 */

/** A device that unpacks. */
export interface TunnelLink {
  readonly name: string;
  /** The kernel's word for its kind, which is also the name of what loads its module. */
  readonly kind: "ipip" | "gre" | "ip6tnl" | "ip6gre" | "sit";
  /** GRE: takes packets with a checksum, and no others. */
  readonly hasChecksum: boolean;
}

/** A UDP port on which the kernel takes GUE. */
export interface TunnelPort {
  readonly family: Family;
  readonly port: number;
}

/** The one device that is not `rs`'s own. */
export const sharedLink = "sit0";

/** Gives the devices that these tunnels to these VIPs need. */
export function tunnelLinks(tunnels: readonly TunnelForm[], vips: readonly string[]): readonly TunnelLink[] {
  const families = new Set(vips.map(familyOf));
  const links = tunnels.flatMap(({ type, over, hasChecksum }): readonly TunnelLink[] => {
    if (type === "gre") {
      return [
        over === 4
          ? { name: "rs-gre", kind: "gre", hasChecksum }
          : { name: "rs-ip6gre", kind: "ip6gre", hasChecksum },
      ];
    }
    if (over === 6) return [{ name: "rs-ip6tnl", kind: "ip6tnl", hasChecksum: false }];
    return [
      ...(families.has(4) ? [{ name: "rs-ipip", kind: "ipip", hasChecksum: false } as const] : []),
      ...(families.has(6) ? [{ name: sharedLink, kind: "sit", hasChecksum: false } as const] : []),
    ];
  });
  return [...new Map(links.map((link) => [link.name, link])).values()];
}

/** Gives the UDP ports that these tunnels need. */
export function tunnelPorts(tunnels: readonly TunnelForm[]): readonly TunnelPort[] {
  const ports = tunnels.flatMap(({ over, port }) => (port === null ? [] : [{ family: over, port }]));
  return [...new Map(ports.map((one) => [`${one.family} ${one.port}`, one])).values()];
}

const ipHeader = { 4: 20, 6: 40 } as const;
const greHeader = 4;
const greChecksum = 4;
// UDP, GUE, and the option with which a checksum is moved (IPVS's remcsum).
const gueHeader = 8 + 4 + 8;

/** Gives how many bytes the packing adds to a packet, at most. */
export function tunnelOverhead({ type, over, hasChecksum }: TunnelForm): number {
  if (type === "gre") return ipHeader[over] + greHeader + (hasChecksum ? greChecksum : 0);
  return ipHeader[over] + (type === "gue" ? gueHeader : 0);
}
