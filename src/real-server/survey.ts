import { isLinkLocal, prefixContains } from "../base/address.ts";
import { errorText } from "../base/system-error.ts";
import { askOwners } from "../kernel/neighbour-owners.ts";
import type { NeighbourPlace } from "../kernel/reachability.ts";
import type { InterfaceAddress, Link } from "../kernel/rtnetlink.ts";
import type { Answers } from "./answerers.ts";

/** Asks the networks of this machine who answers for addresses. */

/** A director, and an address of its own. */
export interface KnownDirector {
  readonly name: string;
  readonly address: string;
}

/** Interfaces of this machine, and what is on them. */
export interface Surroundings {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
}

interface Place extends NeighbourPlace {
  readonly interface: string;
}

/** Asks for every VIP, all at once. */
export function askForVips(vips: readonly string[], surroundings: Surroundings): Promise<readonly Answers[]> {
  return Promise.all(
    vips.map(async (vip): Promise<Answers> => {
      const place = placeFor(vip, vips, surroundings);
      if (place === null) return { vip, interface: null, macs: [], problem: null };
      const about = { vip, interface: place.interface };
      try {
        return { ...about, macs: await askOwners(place, vip), problem: null };
      } catch (error) {
        return { ...about, macs: [], problem: errorText(error) };
      }
    }),
  );
}

/** Finds out which hardware addresses are directors', by asking for their own addresses. */
export async function directorsByMac(
  directors: readonly KnownDirector[],
  vips: readonly string[],
  surroundings: Surroundings,
): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    directors.map(async ({ name, address }) => {
      const place = placeFor(address, vips, surroundings);
      if (place === null) return [];
      try {
        return (await askOwners(place, address)).map((mac) => [mac, name] as const);
      } catch {
        // That the VIP could not be asked for either says why.
        return [];
      }
    }),
  );
  return new Map(found.flat());
}

/** A question needs an Ethernet interface in the address's network, and an address there to ask from. */
function placeFor(target: string, vips: readonly string[], { links, addresses }: Surroundings): Place | null {
  for (const link of links) {
    if (!link.isUp || !link.hasCarrier || link.mac.length !== 6 || link.name === "lo") continue;
    const own = addresses.find(
      (one) =>
        one.linkIndex === link.index &&
        one.readiness === "ready" &&
        !vips.includes(one.address) &&
        !isLinkLocal(one.address) &&
        one.address !== target &&
        prefixContains({ address: one.address, length: one.prefixLength }, target),
    );
    if (own !== undefined) {
      return { linkIndex: link.index, mac: link.mac, address: own.address, interface: link.name };
    }
  }
  return null;
}
