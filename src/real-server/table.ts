import { parsePrefix } from "../base/address.ts";

/**
 * What a web server behind direct routing has to look like, as data: every VIP as /32 on `lo`, so that the
 * machine takes packets for it, a host route to it, and ARP settings with which it never claims the VIP on the
 * wire. PURE: knows neither the kernel nor what is there already. IPv4 only.
 */

/** A kernel setting below /proc/sys, and what it has to be. */
export interface DesiredSysctl {
  readonly path: string;
  readonly value: string;
}

/** A VIP and the label its address on `lo` carries. */
export interface DesiredVip {
  readonly address: string;
  readonly label: string;
}

/** Everything `rs start` brings about. */
export interface DesiredTable {
  readonly vips: readonly DesiredVip[];
  readonly sysctls: readonly DesiredSysctl[];
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

/** Gives the table for these VIPs; a VIP keeps the label it is known by, a new one takes the lowest free `lo:N`. */
export function desiredTable(vips: readonly string[], known: readonly LabelledAddress[]): DesiredTable {
  const taken = new Set(known.map((one) => one.label));
  const table = [...new Set(vips)].map((address): DesiredVip => {
    const own = known.find((one) => one.address === address && isAlias(one.label))?.label;
    const label = own ?? lowestFree(taken);
    taken.add(label);
    return { address, label };
  });
  return { vips: table, sysctls: requiredSysctls };
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

/** Reads a VIP such as `192.0.2.10` or `192.0.2.10/32`. */
export function readVip(text: string): VipReading {
  const prefix = parsePrefix(text);
  if (prefix === null) return wrong(`${text} is not an IPv4 address; write one such as 192.0.2.10`);
  const { address, length } = prefix;
  if (address.includes(":")) {
    return wrong(`${text} is an IPv6 address, which \`rs\` does not handle yet; write an IPv4 address`);
  }
  if (length !== 32) {
    return wrong(`${text} would make this machine take a whole network; write ${address}`);
  }
  const first = Number(address.split(".")[0]);
  if (first === 0 || first === 127 || first >= 224) {
    return wrong(`${address} cannot be a VIP; write the unicast address that clients connect to`);
  }
  return { kind: "vip", address };
}

function wrong(problem: string): VipReading {
  return { kind: "wrong", problem };
}
