import { virtualMac } from "../config/virtual-mac.ts";
import type { Complaint } from "./complaint.ts";
import type { Heard } from "./heard.ts";
import type { NeighbourPacket } from "./packet.ts";
import type { VirtualRouter } from "./virtual-router.ts";

/** PURE: which virtual router of a link has which addresses, and whether those who answer for them may. */
export class AddressBook {
  readonly #routers = new Map<string, Map<VirtualRouter, Heard>>();

  /** All addresses that were heard. */
  get addresses(): readonly string[] {
    return [...this.#routers.keys()];
  }

  get size(): number {
    return this.#routers.size;
  }

  /** Takes note of an advertisement; gives complaints about other VRIDs with the same addresses. */
  note(router: VirtualRouter, heard: Heard): readonly Complaint[] {
    const complaints: Complaint[] = [];
    for (const address of heard.advert.addresses) {
      const holders = this.#routers.get(address) ?? new Map<VirtualRouter, Heard>();
      if (!this.#routers.has(address)) {
        if (this.#routers.size >= mostAddresses) continue;
        this.#routers.set(address, holders);
      }
      holders.set(router, heard);
      for (const [other, last] of holders) {
        const isNow = heard.atMs - last.atMs < 5 * last.advert.intervalMs && last.advert.priority > 0;
        const isLater = (router.place.vrid ?? 0) > (other.place.vrid ?? 0);
        if (other !== router && isNow && isLater && heard.advert.priority > 0)
          complaints.push(twoVrids(address, [last, heard]));
      }
    }
    return complaints;
  }

  /** Judges who says it has an address; null is an address of nobody, or somebody who may. */
  judge(packet: NeighbourPacket): { readonly router: VirtualRouter; readonly complaint: Complaint } | null {
    const holders = this.#routers.get(packet.address);
    if (holders === undefined) return null;
    const all = [...holders.keys()];
    if (all.some((router) => mayAnswer(router, packet))) return null;
    const [router] = all;
    if (router === undefined) return null;
    const silent = all
      .flatMap((one) => Array.from(one.speakers))
      .find(([, { mac }]) => mac === packet.mac)?.[0];
    return { router, complaint: silent === undefined ? foreign(packet) : stillAnswers(packet, silent) };
  }

  /** Gives the virtual routers that have an address. */
  routersOf(address: string): readonly VirtualRouter[] {
    return [...(this.#routers.get(address)?.keys() ?? [])];
  }
}

const mostAddresses = 4_096;
/** Around a switch both may answer. */
const graceIntervals = 3;

function mayAnswer(router: VirtualRouter, { mac, atMs }: NeighbourPacket): boolean {
  const { vrid, family } = router.place;
  if (vrid !== null && family !== null && mac === virtualMac(family, vrid)) return true;
  const speaker = [...router.speakers.values()].find((one) => one.mac === mac);
  const { active } = router;
  if (speaker === undefined) return false;
  if (active === null || active.heard.source === speaker.last.source) return true;
  const graceMs = graceIntervals * active.heard.advert.intervalMs;
  return atMs - Math.max(active.sinceMs, speaker.last.atMs) < graceMs;
}

function twoVrids(address: string, [a, b]: readonly [Heard, Heard]): Complaint {
  return {
    code: "address-in-two-vrids",
    severity: "error",
    about: [address, `${a.advert.vrid}`],
    text: `${address} is advertised under VRID ${a.advert.vrid} by ${a.source} and under VRID ${b.advert.vrid} by ${b.source}: both hold it`,
    advice: "give all routers of an address the same vrid",
  };
}

function foreign({ address, mac, protocol }: NeighbourPacket): Complaint {
  return {
    code: "foreign-mac",
    severity: "error",
    about: [address, mac],
    text: `${mac} says by ${protocol === "arp" ? "ARP" : "neighbour discovery"} that it has ${address}, and no router that advertises the address has this MAC`,
    advice:
      "find the host: another one uses the address, a router's advertisements do not get here, or a real server lacks `edge-ha rs start`",
  };
}

function stillAnswers({ address, mac }: NeighbourPacket, source: string): Complaint {
  return {
    code: "still-answers",
    severity: "error",
    about: [address, mac],
    text: `${source} (${mac}) answers for ${address} though another router is active`,
    advice:
      "it holds the address without advertising: a frozen or killed process, or its advertisements are filtered",
  };
}
