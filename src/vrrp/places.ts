import { familyOf, type Prefix } from "../base/address.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import { addressProtocol } from "../kernel/rtnetlink.ts";
import type { PathPlace } from "./adverts.ts";
import { type Interfaces, linkProblem } from "./interfaces.ts";

/** Where virtual routers can speak and listen at present: their links, and the host's own addresses there. */
export class Places {
  readonly #interfaces: Interfaces;
  readonly #isVirtual: (address: string) => boolean;

  constructor(interfaces: Interfaces, isVirtual: (address: string) => boolean) {
    this.#interfaces = interfaces;
    this.#isVirtual = isVirtual;
  }

  /** Gives the instance's own interface first, then its heartbeats. */
  of(plan: VrrpInstancePlan): readonly [PathPlace, ...PathPlace[]] {
    const source = this.#sourceOf(plan);
    const missing =
      plan.source === null
        ? `interface ${plan.interface} has no IPv4 address of its own`
        : `source address ${plan.source} is not on this host`;
    const { group } = plan;
    const heartbeats = plan.heartbeats.map((heartbeat) => {
      const without = `source address ${heartbeat.source} is not on this host`;
      const found = this.#isHere(heartbeat.source) ? heartbeat.source : null;
      return this.#place(heartbeat.interface, { group, source: found, missing: without });
    });
    return [this.#place(plan.interface, { group, source, missing }), ...heartbeats];
  }

  /** The configured source if the host has it, or else the interface's first address that is not virtual. */
  #sourceOf(plan: VrrpInstancePlan): string | null {
    if (plan.source !== null) return this.#isHere(plan.source) ? plan.source : null;
    const link = this.#interfaces.linkNamed(plan.interface);
    if (link === null) return null;
    const candidates = this.#interfaces.on(link.index);
    const own = candidates.find(({ address, protocol }) => {
      return protocol !== addressProtocol.vrrp && !this.#isVirtual(address) && familyOf(address) === 4;
    });
    if (own !== undefined) return own.address;
    // The owner of an address may have no other (RFC 9568 §6.4.1).
    if (plan.priority !== 255) return null;
    return (
      candidates.find(({ address }) => plan.addresses.some((vip) => vip.address === address))?.address ?? null
    );
  }

  #place(
    on: string,
    wish: { readonly group: string; readonly source: string | null; readonly missing: string },
  ): PathPlace {
    const { group, source, missing } = wish;
    const link = this.#interfaces.linkNamed(on);
    const problem = linkProblem(on, link) ?? (source === null ? missing : null);
    const place = link === null || source === null ? null : { link, group, source };
    return {
      interface: on,
      place,
      problem,
      networks: () => (link === null ? [] : this.#networksOf(link.index)),
    };
  }

  #networksOf(linkIndex: number): readonly Prefix[] {
    return this.#interfaces
      .on(linkIndex)
      .filter(({ address }) => !this.#isVirtual(address))
      .map(({ address, prefixLength }) => ({ address, length: prefixLength }));
  }

  #isHere(source: string): boolean {
    return this.#interfaces.has(source);
  }
}
