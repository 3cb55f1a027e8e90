import { unreachable } from "../base/assert.ts";
import type { Host } from "./host.ts";
import type { InterfaceAddress, Link, RouteEvent } from "../kernel/rtnetlink.ts";

/** The host's links and addresses as last heard of. */
export class Interfaces {
  readonly #host: Pick<Host, "routes">;
  #links = new Map<number, Link>();
  #addresses = new Map<string, InterfaceAddress>();

  constructor(host: Pick<Host, "routes">) {
    this.#host = host;
    this.readAll();
  }

  /** Reads everything from the kernel again. */
  readAll(): void {
    this.#links = new Map(this.#host.routes.links().map((link) => [link.index, link]));
    this.#addresses = new Map(this.#host.routes.addresses().map((address) => [addressKey(address), address]));
  }

  /** Takes over one event. */
  apply(event: RouteEvent): void {
    switch (event.kind) {
      case "link":
        if (event.isGone) this.#links.delete(event.link.index);
        else this.#links.set(event.link.index, event.link);
        return;
      case "address":
        if (event.isGone) this.#addresses.delete(addressKey(event.address));
        else this.#addresses.set(addressKey(event.address), event.address);
        return;
      case "route":
      case "rule":
        return;
      case "overrun":
        return this.readAll();
      default:
        return unreachable(event);
    }
  }

  /** Finds a link by its name. */
  linkNamed(name: string): Link | null {
    for (const link of this.#links.values()) if (link.name === name) return link;
    return null;
  }

  /** Finds a link by its index. */
  linkAt(index: number): Link | null {
    return this.#links.get(index) ?? null;
  }

  /** Gives every address of the host. */
  all(): readonly InterfaceAddress[] {
    return [...this.#addresses.values()];
  }

  /** Gives the addresses of one link, in the kernel's order. */
  on(linkIndex: number): readonly InterfaceAddress[] {
    return this.all().filter((address) => address.linkIndex === linkIndex);
  }
}

/** Says why a link cannot carry advertisements, or null if it can. */
export function linkProblem(name: string, link: Link | null): string | null {
  if (link === null) return `interface ${name} does not exist`;
  if (!link.isUp) return `interface ${name} is down`;
  return link.hasCarrier ? null : `interface ${name} has no carrier`;
}

function addressKey({ linkIndex, address, prefixLength }: InterfaceAddress): string {
  return `${linkIndex} ${address}/${prefixLength}`;
}
