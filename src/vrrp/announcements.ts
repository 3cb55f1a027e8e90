import { familyOf } from "../base/address.ts";
import { gratuitousArp } from "../kernel/arp.ts";
import { unsolicitedAdvertisement } from "../kernel/ndp.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import { readSysctl } from "../kernel/sysctl.ts";

/** Makes the frames that tell neighbours of an address, as the kernel's own settings of the link have it. */
export class Announcements {
  readonly #routers = new Map<string, { readonly isRouter: boolean; readonly atMs: number }>();

  /** Gives a gratuitous ARP or an unsolicited neighbour advertisement for an address on an Ethernet link. */
  frame(link: Link, address: string): Uint8Array {
    if (familyOf(address) === 4) return gratuitousArp(link.mac, address);
    return unsolicitedAdvertisement({ mac: link.mac, address, isRouter: this.#isRouter(link.name) });
  }

  /**
   * Tells whether the kernel forwards what comes in on a link. Its answers to solicitations carry this as the R flag, and
   * ours must not say otherwise: whoever sees a router turn into a host drops its routes (RFC 4861 §7.2.5).
   */
  #isRouter(name: string): boolean {
    const known = this.#routers.get(name);
    const nowMs = performance.now();
    if (known !== undefined && nowMs - known.atMs < memoryMs) return known.isRouter;
    const isRouter = readForwarding(name);
    this.#routers.set(name, { isRouter, atMs: nowMs });
    return isRouter;
  }
}

/** Hundreds of frames in a burst ask once. */
const memoryMs = 1000;

function readForwarding(name: string): boolean {
  try {
    return readSysctl(`net/ipv6/conf/${name}/forwarding`) !== "0";
  } catch {
    // The link is gone, and so is whoever would have heard.
    return false;
  }
}
