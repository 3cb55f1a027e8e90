import { unreachable } from "../base/assert.ts";
import type { Host } from "./host.ts";
import type { AddressKey, InterfaceAddress, Link, RouteEvent } from "../kernel/rtnetlink.ts";

/** The host's links and addresses as last heard of. */
export class Interfaces {
  readonly #host: Pick<Host, "routes">;
  #links = new Map<number, Link>();
  readonly #named = new Map<string, Link>();
  /** By link, in the kernel's order. */
  #addresses = new Map<number, Map<string, InterfaceAddress>>();
  #losses = 0;

  constructor(host: Pick<Host, "routes">) {
    this.#host = host;
    this.readAll();
  }

  /** Counts up whenever a link has gone down or away, or an address away: IPv4 routes go with them, of which no news tells. */
  get losses(): number {
    return this.#losses;
  }

  /** Reads everything from the kernel again. */
  readAll(): void {
    const before = { links: this.#links, addresses: this.#addresses };
    this.#links = new Map(this.#host.routes.links().map((link) => [link.index, link]));
    this.#nameLinks();
    this.#addresses = new Map();
    for (const address of this.#host.routes.addresses()) this.#keep(address);
    if (this.#hasLost(before)) this.#losses++;
  }

  /** Takes over one event; tells whether it says anything new. */
  apply(event: RouteEvent): boolean {
    switch (event.kind) {
      case "link":
        if (event.isGone || (!event.link.isUp && this.#links.get(event.link.index)?.isUp === true))
          this.#losses++;
        if (event.isGone) this.#links.delete(event.link.index);
        else this.#links.set(event.link.index, event.link);
        this.#nameLinks();
        return true;
      case "address":
        if (event.isGone) this.#losses++;
        return this.#note(event.address, event.isGone);
      case "route":
      case "rule":
        return false;
      case "overrun":
        this.readAll();
        return true;
      default:
        return unreachable(event);
    }
  }

  /** Finds a link by its name. */
  linkNamed(name: string): Link | null {
    return this.#named.get(name) ?? null;
  }

  /** Finds a link by its index. */
  linkAt(index: number): Link | null {
    return this.#links.get(index) ?? null;
  }

  /** Gives every address of the host. */
  all(): readonly InterfaceAddress[] {
    return [...this.#addresses.keys()].flatMap((linkIndex) => this.on(linkIndex));
  }

  /** Gives the addresses of one link, in the kernel's order. */
  on(linkIndex: number): readonly InterfaceAddress[] {
    return Array.from(this.#addresses.get(linkIndex)?.values() ?? []);
  }

  /** Finds an address on whichever link. */
  findAnywhere(address: string): InterfaceAddress | null {
    for (const onLink of this.#addresses.values()) {
      for (const found of onLink.values()) if (found.address === address) return found;
    }
    return null;
  }

  /** Finds an address on a link. */
  find(key: AddressKey): InterfaceAddress | null {
    return this.#addresses.get(key.linkIndex)?.get(addressKey(key)) ?? null;
  }

  /** The kernel tells of each renewal of a lease as well. */
  #note(address: InterfaceAddress, isGone: boolean): boolean {
    if (isGone) {
      this.#addresses.get(address.linkIndex)?.delete(addressKey(address));
      // Everything may have been read meanwhile, but not everybody was told.
      return true;
    }
    const known = this.find(address);
    this.#keep(address);
    if (known === null) return true;
    const { label, protocol, readiness, scope } = address;
    return (
      known.label !== label ||
      known.protocol !== protocol ||
      known.readiness !== readiness ||
      known.scope !== scope
    );
  }

  #hasLost(before: {
    readonly links: ReadonlyMap<number, Link>;
    readonly addresses: ReadonlyMap<number, ReadonlyMap<string, InterfaceAddress>>;
  }): boolean {
    const isDown = [...before.links.values()].some(
      ({ index, isUp }) => isUp && this.#links.get(index)?.isUp !== true,
    );
    const isGone = [...before.addresses].some(([index, onLink]) =>
      [...onLink.keys()].some((key) => this.#addresses.get(index)?.has(key) !== true),
    );
    return isDown || isGone;
  }

  #keep(address: InterfaceAddress): void {
    const onLink = this.#addresses.get(address.linkIndex) ?? new Map<string, InterfaceAddress>();
    this.#addresses.set(address.linkIndex, onLink.set(addressKey(address), address));
  }

  #nameLinks(): void {
    this.#named.clear();
    // Of two with one name, in the moment of a renaming, the older one counts.
    for (const link of this.#links.values())
      if (!this.#named.has(link.name)) this.#named.set(link.name, link);
  }
}

/** Says why a link cannot carry advertisements, or null if it can. */
export function linkProblem(name: string, link: Link | null): string | null {
  if (link === null) return `interface ${name} does not exist`;
  if (!link.isUp) return `interface ${name} is down`;
  return link.hasCarrier ? null : `interface ${name} has no carrier`;
}

function addressKey({ address, prefixLength }: Pick<InterfaceAddress, "address" | "prefixLength">): string {
  return `${address}/${prefixLength}`;
}
