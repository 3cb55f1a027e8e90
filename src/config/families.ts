import {
  addressBytes,
  familyOf,
  type Family,
  isLinkLocal,
  type Prefix,
  virtualLinkLocal,
} from "../base/address.ts";
import type { InstanceConfig } from "./config.ts";
import type { VipEntry, VrrpEntry } from "./schema/vrrp.ts";

/** What follows from the family of a virtual router's addresses. PURE. */

/** Gives the addresses of a router as the file lists them. */
export function listedAddresses(value: VipEntry | VrrpEntry): readonly Prefix[] {
  return "prefer" in value ? [value.address, ...value.addresses] : value.addresses;
}

/** Gives the family of a router: that of its first address. */
export function routerFamily(value: VipEntry | VrrpEntry): Family {
  return familyOf(listedAddresses(value)[0]?.address ?? "");
}

/**
 * Gives the addresses of a router as it advertises them. Of IPv6 the first is link-local (RFC 9568 §5.2.9): one that the
 * file lists, or else that of the router's virtual hardware address.
 */
export function advertisedAddresses(listed: readonly Prefix[], vrid: number): readonly Prefix[] {
  if (listed.every(({ address }) => familyOf(address) === 4)) return listed;
  const first = listed.find(({ address }) => isLinkLocal(address));
  if (first === undefined) return [{ address: virtualLinkLocal(vrid), length: 64 }, ...listed];
  return [first, ...listed.filter((one) => one !== first)];
}

/**
 * Gives the VRID that an address suggests, 0 if none: the last octet of IPv4. Of IPv6 the last group as it is written,
 * where that reads as a number up to 255, so that `192.0.2.100` and `2001:db8::100` suggest the same; else its last byte.
 */
export function suggestedVrid(address: string): number {
  const bytes = addressBytes(address);
  const last = bytes.at(-1) ?? 0;
  if (bytes.length === 4) return last;
  const written = (((bytes.at(-2) ?? 0) << 8) | last).toString(16);
  return /^\d+$/.test(written) && Number(written) <= 255 ? Number(written) : last;
}

/** Gives every address that a router holds while active, the advertised ones first. */
export function virtualAddressesOf({
  addresses,
  extraAddresses,
}: Pick<InstanceConfig, "addresses" | "extraAddresses">): readonly Prefix[] {
  return [...addresses, ...extraAddresses.map(({ address }) => address)];
}
