import type { Link, RouteEvent } from "../../src/kernel/rtnetlink.ts";
import type { LinkDetails, VirtualMacLinkRequest } from "../../src/kernel/virtual-mac-links.ts";
import type { VirtualMacLinksHost } from "../../src/vrrp/host.ts";

/** What a fake machine lets the interfaces with virtual MACs do to its links. */
export interface FakeLinks {
  readonly links: Map<string, Link>;
  readonly tell: (event: RouteEvent) => void;
}

/** Interfaces with virtual MACs on a fake machine: links like the others, and what else tells them apart. */
export class FakeVirtualMacLinks implements VirtualMacLinksHost {
  /** What was done, in order: `make eth0 …`, `up …`, `down …`, `remove …`. */
  readonly done: string[] = [];
  /** Why nothing can be made; null while it can. */
  obstacle: string | null = null;
  readonly #machine: FakeLinks;
  readonly #made = new Map<string, LinkDetails>();
  #lastIndex = 100;

  constructor(machine: FakeLinks) {
    this.#machine = machine;
  }

  list(): LinkDetails[] {
    return [...this.#machine.links.values()].map((link) => this.#detailsOf(link));
  }

  problem(): string | null {
    return this.obstacle;
  }

  make({ name, mac, below }: VirtualMacLinkRequest): LinkDetails {
    this.#lastIndex += 1;
    const link: Link = { index: this.#lastIndex, name, mac, isUp: false, hasCarrier: false, mtu: 1500 };
    const own = { kind: "macvlan", group: 0x4548, parentIndex: below.index, isMacvlanBridge: true } as const;
    this.#made.set(name, { ...this.#detailsOf(link), ...own });
    this.done.push(`make ${name} on ${below.name}`);
    this.#replace(link);
    return this.#detailsOf(link);
  }

  settle(made: LinkDetails): LinkDetails {
    return made;
  }

  setUp({ name }: Pick<LinkDetails, "name">, isUp: boolean): void {
    const link = this.#machine.links.get(name);
    if (link === undefined || link.isUp === isUp) return;
    this.done.push(`${isUp ? "up" : "down"} ${name}`);
    this.#replace({ ...link, isUp, hasCarrier: isUp });
  }

  remove(isLeftover: (link: LinkDetails) => boolean): readonly LinkDetails[] {
    const gone = [...this.#made.values()].filter(isLeftover);
    for (const { name } of gone) {
      this.done.push(`remove ${name}`);
      this.removeByHand(name);
    }
    return gone;
  }

  /** Removes one as an operator would. */
  removeByHand(name: string): void {
    const link = this.#machine.links.get(name);
    this.#made.delete(name);
    this.#machine.links.delete(name);
    if (link !== undefined) this.#machine.tell({ kind: "link", link, isGone: true });
  }

  #detailsOf(link: Link): LinkDetails {
    const { index, name, mac, isUp } = link;
    const plain = { kind: null, group: 0, alias: null, parentIndex: null, isMacvlanBridge: false };
    return { index, name, mac, isEthernet: true, ...plain, ...this.#made.get(name), isUp };
  }

  #replace(link: Link): void {
    this.#machine.links.set(link.name, link);
    this.#machine.tell({ kind: "link", link, isGone: false });
  }
}
