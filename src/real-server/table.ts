import { familyOf, parsePrefix } from "../base/address.ts";
import { formatTunnel, type TunnelForm } from "../config/tunnel-words.ts";
import { hostLength } from "./steps.ts";
import { tunnelLinks, tunnelPorts, type TunnelLink, type TunnelPort } from "./tunnels.ts";

/**
 * What a web server behind direct routing or a tunnel has to look like, as data: every VIP as a single address on `lo`,
 * so that the machine takes packets for it; for IPv4 a host route to it, and ARP settings with which it never claims
 * the VIP on the wire; for tunnels what unpacks the requests. PURE: knows neither the kernel nor what is there already.
 * IPv6 needs no settings: Linux answers neighbour solicitations for addresses of the interface they come in on alone.
 */

/** A kernel setting below /proc/sys, and what it has to be. */
export interface DesiredSysctl {
  readonly path: string;
  readonly value: string;
}

/** A VIP and the label its address on `lo` carries; IPv6 knows no labels. */
export interface DesiredVip {
  readonly address: string;
  readonly label: string | null;
}

/** Everything `rs start` brings about. */
export interface DesiredTable {
  readonly vips: readonly DesiredVip[];
  readonly sysctls: readonly DesiredSysctl[];
  readonly links: readonly TunnelLink[];
  readonly ports: readonly TunnelPort[];
  /** The words of the tunnels. */
  readonly tunnels: readonly string[];
}

/** What the operator asks for. */
export interface Wish {
  readonly vips: readonly string[];
  readonly tunnels: readonly TunnelForm[];
}

/** An address and the label it is known by, or null. */
export interface LabelledAddress {
  readonly address: string;
  readonly label: string | null;
}

/**
 * The ARP settings of direct routing. Linux, ip-sysctl: arp_ignore 1 answers only for addresses of the
 * interface that was asked, arp_announce 2 never names the VIP as the sender. The kernel takes the greater of
 * `all` and the interface, so `all` covers every interface.
 */
export const requiredSysctls: readonly DesiredSysctl[] = ["all", "lo"].flatMap((scope) => [
  { path: `net/ipv4/conf/${scope}/arp_ignore`, value: "1" },
  { path: `net/ipv4/conf/${scope}/arp_announce`, value: "2" },
]);

/** Gives the table for this wish; a VIP keeps the label it is known by, a new one takes the lowest free `lo:N`. */
export function desiredTable({ vips, tunnels }: Wish, known: readonly LabelledAddress[]): DesiredTable {
  const taken = new Set(known.map((one) => one.label));
  const distinct = [...new Set(vips)];
  const table = distinct.map((address): DesiredVip => {
    if (familyOf(address) === 6) return { address, label: null };
    const own = known.find((one) => one.address === address && isAlias(one.label))?.label;
    const label = own ?? lowestFree(taken);
    taken.add(label);
    return { address, label };
  });
  return {
    vips: table,
    sysctls: distinct.some((address) => familyOf(address) === 4) ? requiredSysctls : [],
    links: tunnelLinks(tunnels, distinct),
    ports: tunnelPorts(tunnels),
    tunnels: [...new Set(tunnels.map(formatTunnel))],
  };
}

function isAlias(label: string | null): label is string {
  return label !== null && /^lo:\d+$/.test(label);
}

function lowestFree(taken: ReadonlySet<string | null>): string {
  for (let index = 0; ; index += 1) {
    const label = `lo:${index}`;
    if (!taken.has(label)) return label;
  }
}

/** A VIP as the operator wrote it: the canonical address, or what is wrong with it and what to write. */
export type VipReading =
  | { readonly kind: "vip"; readonly address: string }
  | { readonly kind: "wrong"; readonly problem: string };

/** Reads a VIP such as `192.0.2.10`, `192.0.2.10/32` or `2001:db8::10`. */
export function readVip(text: string): VipReading {
  const prefix = parsePrefix(text);
  if (prefix === null) {
    return wrong(`${text} is not an IP address; write one such as 192.0.2.10 or 2001:db8::10`);
  }
  const { address, length } = prefix;
  if (length !== hostLength(address)) {
    return wrong(`${text} would make this machine take a whole network; write ${address}`);
  }
  if (!canBeVip(address)) {
    return wrong(`${address} cannot be a VIP; write the unicast address that clients connect to`);
  }
  return { kind: "vip", address };
}

function canBeVip(address: string): boolean {
  if (familyOf(address) === 6) {
    // Unspecified, loopback, IPv4-mapped, link-local and multicast addresses.
    return !/^::(1$|$|ffff:)|^fe[89ab]|^ff/.test(address);
  }
  const first = Number(address.split(".")[0]);
  return first !== 0 && first !== 127 && first < 224;
}

function wrong(problem: string): VipReading {
  return { kind: "wrong", problem };
}
