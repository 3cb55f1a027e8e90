import type { Log } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { VipAddressPlan } from "../config/node-plan.ts";
import { addressProtocol, type InterfaceAddress } from "../kernel/rtnetlink.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";

/**
 * The virtual addresses on this host's interfaces: adds and removes them, and knows which are ours. An address
 * that somebody else configured is neither taken nor removed.
 */
export class VirtualAddresses {
  readonly #host: Pick<Host, "routes">;
  readonly #interfaces: Interfaces;
  readonly #log: Log;
  readonly #owned = new Set<string>();

  constructor(needs: {
    readonly host: Pick<Host, "routes">;
    readonly interfaces: Interfaces;
    readonly log: Log;
  }) {
    this.#host = needs.host;
    this.#interfaces = needs.interfaces;
    this.#log = needs.log;
  }

  /** Puts an address on its interface; tells whether it was missing. */
  add(vip: VipAddressPlan): boolean {
    const link = this.#interfaces.linkNamed(vip.interface);
    if (link === null) {
      this.#log.warning(`${show(vip)} cannot be added: interface ${vip.interface} does not exist`);
      return false;
    }
    const key = ownedKey(link.index, vip.address, vip.length);
    try {
      const outcome = this.#host.routes.addAddress({
        linkIndex: link.index,
        address: vip.address,
        prefixLength: vip.length,
        label: vip.label,
        scope: 0,
        protocol: addressProtocol.vrrp,
      });
      if (outcome === "added") this.#owned.add(key);
      else if (!this.#isOwned(link.index, vip))
        this.#log.warning(`${show(vip)} was there already and is not ours`);
      return outcome === "added";
    } catch (error) {
      this.#log.error(`${show(vip)} cannot be added: ${errorText(error)}`);
      return false;
    }
  }

  /** Takes an address off its interface if it is ours. */
  remove(vip: VipAddressPlan): void {
    const link = this.#interfaces.linkNamed(vip.interface);
    if (link === null || !this.#isOwned(link.index, vip)) return;
    this.#take(link.index, vip.address, vip.length);
  }

  /** Tells whether an address is not on its interface, though the interface is there. */
  isMissing(vip: VipAddressPlan): boolean {
    const link = this.#interfaces.linkNamed(vip.interface);
    return link !== null && this.#interfaces.find(link.index, vip.address, vip.length) === null;
  }

  /** Takes over what an earlier process left for these addresses. */
  adopt(vips: readonly VipAddressPlan[]): void {
    const present = this.#interfaces.all();
    // Before Linux 5.18 no address has a tag, not even the loopback's: then the supervisor's word has to do.
    const knowsTags = present.some((address) => address.protocol !== 0);
    for (const found of present) {
      const isCandidate = found.protocol === addressProtocol.vrrp || !knowsTags;
      if (isCandidate && vips.some((vip) => this.#isAt(found, vip))) {
        this.#owned.add(ownedKey(found.linkIndex, found.address, found.prefixLength));
      }
    }
  }

  /** Removes what carries our tag and was not adopted. */
  sweep(): void {
    for (const found of this.#interfaces.all()) {
      const key = ownedKey(found.linkIndex, found.address, found.prefixLength);
      if (found.protocol !== addressProtocol.vrrp || this.#owned.has(key)) continue;
      const name = this.#interfaces.linkAt(found.linkIndex)?.name ?? `interface ${found.linkIndex}`;
      this.#log.notice(
        `removing ${found.address}/${found.prefixLength} from ${name}: left by an earlier run`,
      );
      this.#take(found.linkIndex, found.address, found.prefixLength);
    }
  }

  #isOwned(linkIndex: number, vip: VipAddressPlan): boolean {
    if (this.#owned.has(ownedKey(linkIndex, vip.address, vip.length))) return true;
    const found = this.#interfaces.find(linkIndex, vip.address, vip.length);
    return found?.protocol === addressProtocol.vrrp;
  }

  #isAt(found: InterfaceAddress, vip: VipAddressPlan): boolean {
    return (
      found.address === vip.address &&
      found.prefixLength === vip.length &&
      this.#interfaces.linkAt(found.linkIndex)?.name === vip.interface
    );
  }

  #take(linkIndex: number, address: string, prefixLength: number): void {
    this.#owned.delete(ownedKey(linkIndex, address, prefixLength));
    try {
      this.#host.routes.removeAddress({ linkIndex, address, prefixLength });
    } catch (error) {
      // The interface went away, and the address with it.
      if (hasCode(error, "ENODEV")) return;
      this.#log.error(`${address}/${prefixLength} cannot be removed: ${errorText(error)}`);
    }
  }
}

function ownedKey(linkIndex: number, address: string, prefixLength: number): string {
  return `${linkIndex} ${address}/${prefixLength}`;
}

function show(vip: VipAddressPlan): string {
  return `${vip.address}/${vip.length} on ${vip.interface}`;
}
