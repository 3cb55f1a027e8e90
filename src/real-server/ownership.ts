import { familyOf } from "../base/address.ts";
import type {
  ActualAddress,
  ActualRoute,
  ActualState,
  SavedLink,
  SavedPort,
  SavedState,
  SavedVip,
} from "./state.ts";
import { hostLength } from "./steps.ts";
import { sharedLink, type TunnelLink, type TunnelPort } from "./tunnels.ts";

/**
 * PURE: tells what is `rs`'s own from what was there before. Something is someone else's if it is there, carries no
 * tag, and the state file does not say that `rs` added it.
 */

/** Finds a VIP on `lo`, as a single address. */
export function addressOnLoopback(actual: ActualState, address: string): ActualAddress | undefined {
  return actual.addresses.find((one) => one.address === address && one.prefixLength === hostLength(address));
}

/** Finds the host route to a VIP, one's own first. */
export function routeTo(actual: ActualState, address: string): ActualRoute | undefined {
  const routes = actual.routes.filter((one) => one.address === address);
  return routes.find((one) => one.isTagged) ?? routes[0];
}

/** Tells what of a VIP was there before. */
export function whatWasThere(
  address: string,
  actual: ActualState,
  trusted: SavedState | null,
): Pick<SavedVip, "hadAddress" | "hadRoute"> {
  const known = trusted?.vips.find((vip) => vip.address === address);
  const present = addressOnLoopback(actual, address);
  const route = routeTo(actual, address);
  return {
    hadAddress: present !== undefined && !present.isTagged && (known?.hadAddress ?? true),
    hadRoute: route !== undefined && !route.isTagged && (known?.hadRoute ?? true),
  };
}

/** Lists the VIPs that are wholly or partly `rs`'s: those in the state file, and whatever carries the tag. */
export function ownedVips(actual: ActualState, trusted: SavedState | null): readonly SavedVip[] {
  const labels = new Map<string, string | null>();
  for (const vip of trusted?.vips ?? []) labels.set(vip.address, vip.label);
  for (const { address, label, isTagged } of actual.addresses) {
    if (isTagged && !labels.has(address))
      labels.set(address, familyOf(address) === 4 ? (label ?? "lo") : null);
  }
  for (const { address, isTagged } of actual.routes) {
    if (isTagged && !labels.has(address)) labels.set(address, "lo");
  }
  return [...labels].map(([address, label]) => {
    const { hadAddress, hadRoute } = whatWasThere(address, actual, trusted);
    return { address, label, hadAddress, hadRoute };
  });
}

/** Remembers of a device whether it was there and up before; one's own never was. */
export function savedLink(link: TunnelLink, actual: ActualState, trusted: SavedState | null): SavedLink {
  const present = actual.links.find((one) => one.name === link.name);
  const known = trusted?.links.find((one) => one.name === link.name);
  const had = link.name === sharedLink && present?.isReady === true && (known?.had ?? true);
  return { name: link.name, kind: link.kind, hasChecksum: link.hasChecksum, had };
}

/** Lists the devices that are `rs`'s: those in the state file, and whatever carries its mark. */
export function ownedLinks(actual: ActualState, trusted: SavedState | null): readonly SavedLink[] {
  const links = new Map<string, TunnelLink>();
  for (const link of trusted?.links ?? []) links.set(link.name, link);
  for (const link of actual.links) if (link.isOwn && !links.has(link.name)) links.set(link.name, link);
  return [...links.values()].map((link) => savedLink(link, actual, trusted));
}

/** Remembers of a port whether it was open before. */
export function savedPort(wanted: TunnelPort, actual: ActualState, trusted: SavedState | null): SavedPort {
  const known = trusted?.ports.find((one) => isSamePort(one, wanted));
  return { ...wanted, had: isOpen(actual, wanted) && (known?.had ?? true) };
}

/** Tells whether the kernel takes GUE on a port. */
export function isOpen(actual: ActualState, wanted: TunnelPort): boolean {
  return actual.ports.some((one) => isSamePort(one, wanted));
}

/** Tells whether two are the same port. */
export function isSamePort(a: TunnelPort, b: TunnelPort): boolean {
  return a.family === b.family && a.port === b.port;
}
