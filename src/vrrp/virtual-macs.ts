import { equalBytes } from "../base/bytes.ts";
import type { Log } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import { isOwn, type LinkDetails } from "../kernel/virtual-mac-links.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";
import { isFor, linkFor, obstacleBelow, refusalText } from "./virtual-mac-fitness.ts";

/** What virtual MACs take. */
export interface VirtualMacNeeds {
  readonly host: Pick<Host, "virtualMacLinks" | "clock">;
  readonly interfaces: Interfaces;
  readonly log: Log;
  /** Called when one that was well turns out not to be. */
  readonly changed: () => void;
}

/**
 * The interfaces with a virtual MAC of this node's routers. Each is there for as long as its router is, up while the
 * router holds the addresses and down otherwise, so that a backup takes no frame for the virtual MAC (RFC 9568 §6.4.2).
 */
export class VirtualMacs {
  readonly #needs: VirtualMacNeeds;
  /** By name: the indices of interfaces that are as they should be, and of those below. */
  readonly #inPlace = new Map<string, { readonly index: number; readonly below: number }>();
  readonly #problems = new Map<string, string>();

  constructor(needs: VirtualMacNeeds) {
    this.#needs = needs;
  }

  /** Makes what is missing for these routers; tells whether there was anything to do. */
  tend(plans: readonly VrrpInstancePlan[]): boolean {
    const { interfaces } = this.#needs;
    const missing = plans.filter((plan) => plan.virtualMac !== null && !this.#isInPlace(plan));
    if (!missing.some((plan) => interfaces.linkNamed(plan.interface) !== null)) return false;
    const kernel = this.#needs.host.virtualMacLinks;
    const links = [...kernel.list()];
    for (const plan of missing) {
      const { virtualMac: name } = plan;
      this.#inPlace.delete(name ?? "");
      const below = links.find((link) => link.name === plan.interface);
      if (name === null || below === undefined) continue;
      try {
        this.#problems.delete(name);
        const made = this.#have(plan, below, links);
        links.push(made);
        this.#inPlace.set(name, { index: made.index, below: below.index });
      } catch (error) {
        this.#problems.set(name, `no virtual MAC: ${refusalText(below.name, error)}`);
      }
    }
    interfaces.readAll();
    return true;
  }

  /** Says why a router cannot have its virtual MAC, or null. */
  problem(plan: VrrpInstancePlan): string | null {
    const { virtualMac: name } = plan;
    if (name === null) return null;
    return (
      this.#problems.get(name) ?? (this.linkOf(plan) === null ? `interface ${name} does not exist` : null)
    );
  }

  /** Gives the interface that a router speaks through; null if it is its own, or not there. */
  linkOf({ virtualMac }: VrrpInstancePlan): Link | null {
    // Never one of that name which is somebody else's.
    const known = this.#inPlace.get(virtualMac ?? "");
    return known === undefined ? null : this.#needs.interfaces.linkAt(known.index);
  }

  /** Takes frames for the virtual MAC from now on. */
  raise(plan: VrrpInstancePlan): void {
    this.#set(plan, true);
  }

  /** Takes no more of them. */
  lower(plan: VrrpInstancePlan): void {
    this.#set(plan, false);
  }

  /** Undoes what somebody else did who set it down. */
  keepUp(plan: VrrpInstancePlan): void {
    if (this.linkOf(plan)?.isUp === false) this.raise(plan);
  }

  /** Removes every interface of ours that none of these routers needs, whoever left it. */
  keepOnly(plans: readonly VrrpInstancePlan[]): void {
    const { host, log, interfaces } = this.#needs;
    const names = new Set(plans.flatMap(({ virtualMac }) => virtualMac ?? []));
    for (const name of this.#inPlace.keys()) if (!names.has(name)) this.#inPlace.delete(name);
    try {
      const gone = host.virtualMacLinks.remove(({ name }) => !names.has(name));
      for (const { name } of gone) log.info(`${name} removed`);
      if (gone.length > 0) interfaces.readAll();
    } catch (error) {
      log.error(`an interface with a virtual MAC cannot be removed: ${errorText(error)}`);
    }
  }

  #isInPlace({ virtualMac, interface: below }: VrrpInstancePlan): boolean {
    const known = this.#inPlace.get(virtualMac ?? "");
    const { interfaces } = this.#needs;
    return (
      known !== undefined &&
      interfaces.linkNamed(virtualMac ?? "")?.index === known.index &&
      interfaces.linkNamed(below)?.index === known.below
    );
  }

  /** Finds the interface of a router or makes it. */
  #have(plan: VrrpInstancePlan, below: LinkDetails, links: readonly LinkDetails[]): LinkDetails {
    const kernel = this.#needs.host.virtualMacLinks;
    const obstacle = obstacleBelow(below) ?? kernel.problem(below.name);
    if (obstacle !== null) throw new Error(obstacle);
    const request = linkFor(plan, below);
    const found = links.find(({ name }) => name === request.name);
    if (found !== undefined && isFor(found, request)) return kernel.settle(found, request, links);
    if (found !== undefined && !isOwn(found)) {
      throw new Error(`${request.name} is there already and was not made by edge-ha`);
    }
    // One of ours that is no longer as it was made, or was renamed: two with one MAC cannot both be up.
    const gone = kernel.remove(({ name, mac, parentIndex }) => {
      const isSame = parentIndex === below.index && equalBytes(mac, request.mac);
      return name === request.name || isSame;
    });
    this.#needs.log.info(`${request.name} made on ${below.name}`);
    return kernel.make(
      request,
      links.filter((link) => !gone.some(({ index }) => index === link.index)),
    );
  }

  #set(plan: VrrpInstancePlan, isUp: boolean): void {
    const { host, interfaces, log, changed } = this.#needs;
    const link = this.linkOf(plan);
    if (link === null) return;
    try {
      // Said again even where it is known: the last word of the kernel may still be on its way.
      host.virtualMacLinks.setUp(link, isUp);
      interfaces.apply({ kind: "link", link: { ...link, isUp, hasCarrier: isUp }, isGone: false });
    } catch (error) {
      // Somebody has removed it: its own event is on the way.
      if (hasCode(error, "ENODEV")) return;
      log.error(`${link.name} cannot be set ${isUp ? "up" : "down"}: ${errorText(error)}`);
      if (!isUp) return;
      this.#problems.set(link.name, `${link.name} cannot be set up: ${errorText(error)}`);
      this.#inPlace.delete(link.name);
      host.clock.schedule(host.clock.now(), changed);
    }
  }
}
