import { familyOf } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { VipAddressPlan } from "../config/node-plan.ts";
import { addressesNote, addressNote, isAddressNote } from "../kernel/journal-notes.ts";
import {
  type AddressKey,
  addressProtocol,
  type AddressRequest,
  type InterfaceAddress,
  type Link,
  type RouteChange,
} from "../kernel/rtnetlink.ts";
import type { Complaints } from "./complaints.ts";
import type { Host } from "./host.ts";
import { heldText } from "./held-addresses.ts";
import type { Interfaces } from "./interfaces.ts";
import type { Ownership } from "./ownership.ts";
import type { Secondaries } from "./secondaries.ts";

/** rtnetlink(7): RT_SCOPE_*. */
const scopes = { global: 0, site: 200, link: 253, host: 254 } as const;

/** What looking after virtual addresses takes. */
export interface VirtualAddressNeeds {
  readonly host: Pick<Host, "routes" | "clock">;
  readonly interfaces: Interfaces;
  readonly ownership: Ownership;
  readonly secondaries: Secondaries;
  readonly complaints: Complaints;
  readonly log: Log;
}

/** An address, and where it belongs. */
interface Placed {
  readonly vip: VipAddressPlan;
  readonly link: Link;
  readonly key: AddressKey;
}

/**
 * The virtual addresses on this host's interfaces: adds and removes them, many at a time, and knows which are ours. An
 * address that somebody else configured is neither taken nor removed.
 */
export class VirtualAddresses {
  readonly #needs: VirtualAddressNeeds;
  /** The interface that an address was put on: renamed, it keeps it, and the name is nobody's or another's. */
  readonly #placed = new Map<string, number>();

  constructor(needs: VirtualAddressNeeds) {
    this.#needs = needs;
  }

  /** Puts addresses on their interfaces; gives those that were missing and are there now. */
  add(vips: readonly VipAddressPlan[]): readonly VipAddressPlan[] {
    const { host, interfaces, ownership, secondaries } = this.#needs;
    const wanted = vips.flatMap((vip) => this.#place(vip) ?? []);
    if (wanted.length === 0) return [];
    for (const link of new Set(wanted.map((each) => each.link))) secondaries.protect(link);
    this.#take(
      wanted.flatMap(({ vip, key }) => this.#keysOf(vip).filter((one) => one.linkIndex !== key.linkIndex)),
    );
    const absent = wanted.filter(({ key }) => interfaces.find(key) === null);
    ownership.announce(absent.map(({ key }) => addressNote(key)));
    const outcomes = host.routes.apply(
      wanted.map(({ key, vip }) => ({ kind: "add-address", address: requestOf(key, vip) })),
    );
    const added = wanted.filter((_, index) => outcomes[index] === "done");
    ownership.settle(added.map(({ key }) => addressNote(key)));
    for (const [index, { key, vip }] of wanted.entries()) {
      const outcome = outcomes[index];
      if (this.#isOwned(key)) this.#placed.set(heldText(vip), key.linkIndex);
      if (outcome instanceof Error) this.#complain(`${heldText(vip)} cannot be added: ${errorText(outcome)}`);
      else if (outcome === "idle" && !this.#isOwned(key)) {
        this.#complain(`${heldText(vip)} was there already and is not ours`);
      }
    }
    return added.map(({ vip }) => vip);
  }

  /**
   * Has the kernel keep IPv4 addresses for so long from now, those of them that are there and ours. IPv6 ones stay: a lease
   * would make the kernel's route to their network expire with them, and with it the way from the host's own address.
   */
  renew(vips: readonly VipAddressPlan[], lifetimeS: number): void {
    const { host, interfaces } = this.#needs;
    const changes = vips.flatMap((vip): readonly RouteChange[] => {
      const link = interfaces.linkNamed(vip.interface);
      const key = link === null ? null : keyOf(link.index, vip);
      if (key === null || familyOf(vip.address) === 6 || !this.#isOwned(key)) return [];
      return [{ kind: "lease-address", address: requestOf(key, vip), lifetimeS }];
    });
    if (changes.length === 0) return;
    for (const outcome of host.routes.apply(changes)) {
      // An interface that went away took its addresses with it; its own event says so, and says it better.
      if (outcome instanceof Error && !hasCode(outcome, "ENODEV")) {
        this.#complain(`an address could not be renewed: ${errorText(outcome)}`);
      }
    }
  }

  /** Takes addresses off their interfaces, those of them that are ours. */
  remove(vips: readonly VipAddressPlan[]): void {
    const keys = vips.flatMap((vip) => this.#keysOf(vip));
    for (const vip of vips) this.#placed.delete(heldText(vip));
    // The last first: the first of a network is the one that the kernel may not part with alone.
    this.#take(keys.toReversed());
  }

  /** Tells whether an address is not on its interface, though the interface is there. */
  isMissing(vip: VipAddressPlan): boolean {
    const { interfaces } = this.#needs;
    const link = interfaces.linkNamed(vip.interface);
    return link !== null && interfaces.find(keyOf(link.index, vip)) === null;
  }

  /** Says how far duplicate address detection has come with an address; null if it is not there, or not heard of yet. */
  readiness(vip: VipAddressPlan): InterfaceAddress["readiness"] | null {
    const { interfaces } = this.#needs;
    const link = interfaces.linkNamed(vip.interface);
    return link === null ? null : (interfaces.find(keyOf(link.index, vip))?.readiness ?? null);
  }

  /** Takes over what an earlier process left for these addresses. */
  adopt(vips: readonly VipAddressPlan[]): void {
    const { interfaces, ownership, secondaries } = this.#needs;
    const adopted = vips.flatMap((vip) => {
      const link = interfaces.linkNamed(vip.interface);
      const found = link === null ? null : interfaces.find(keyOf(link.index, vip));
      if (link === null || found === null || !this.#isLeftover(found)) return [];
      secondaries.protect(link);
      this.#placed.set(heldText(vip), link.index);
      return [addressNote(found)];
    });
    ownership.settle(adopted);
  }

  /** Removes what an earlier process left and was not adopted. */
  sweep(): void {
    const { interfaces, log, ownership } = this.#needs;
    const left = interfaces.all().filter((found) => {
      return this.#isLeftover(found) && !ownership.has(addressNote(found));
    });
    for (const { linkIndex, address, prefixLength } of left) {
      const name = interfaces.linkAt(linkIndex)?.name ?? `interface ${linkIndex}`;
      log.notice(`removing ${address}/${prefixLength} from ${name}: left by an earlier run`);
    }
    this.#take(left.toReversed());
    // What was noted and is not there any more needs no note.
    ownership.forget([...ownership.inherited].filter(isAddressNote));
  }

  #isLeftover(found: InterfaceAddress): boolean {
    if (found.protocol === addressProtocol.vrrp) return true;
    // A tag of another's is a tag.
    return found.protocol === 0 && this.#needs.ownership.isInherited(addressNote(found));
  }

  #isOwned(key: AddressKey): boolean {
    const { interfaces, ownership } = this.#needs;
    return ownership.has(addressNote(key)) || interfaces.find(key)?.protocol === addressProtocol.vrrp;
  }

  /** Names an address wherever it is ours. */
  #keysOf(vip: VipAddressPlan): readonly AddressKey[] {
    const named = this.#needs.interfaces.linkNamed(vip.interface)?.index;
    const indices = new Set([this.#placed.get(heldText(vip)), named]);
    return [...indices].flatMap((index) => {
      const key = index === undefined ? null : keyOf(index, vip);
      return key !== null && this.#isOwned(key) ? [key] : [];
    });
  }

  #place(vip: VipAddressPlan): Placed | null {
    const link = this.#needs.interfaces.linkNamed(vip.interface);
    if (link !== null) return { vip, link, key: keyOf(link.index, vip) };
    this.#complain(`${heldText(vip)} cannot be added: interface ${vip.interface} does not exist`);
    return null;
  }

  #take(keys: readonly AddressKey[]): void {
    if (keys.length === 0) return;
    const { host, interfaces, log, ownership, secondaries } = this.#needs;
    const outcomes = host.routes.apply(keys.map((address) => ({ kind: "remove-address", address })));
    for (const [index, { address, prefixLength }] of keys.entries()) {
      const outcome = outcomes[index];
      if (outcome instanceof Error) {
        log.error(`${address}/${prefixLength} cannot be removed: ${errorText(outcome)}`);
      }
    }
    ownership.forget(keys.filter((_, index) => !(outcomes[index] instanceof Error)).map(addressNote));
    for (const linkIndex of new Set(keys.map((key) => key.linkIndex))) {
      if (ownership.hasAny(addressesNote(linkIndex))) continue;
      secondaries.release(linkIndex, interfaces.linkAt(linkIndex)?.name ?? null);
    }
  }

  #complain(text: string): void {
    const { complaints, host, log } = this.#needs;
    if (complaints.isDue(text, host.clock.now())) log.warning(text);
  }
}

function requestOf(key: AddressKey, vip: VipAddressPlan): AddressRequest {
  const { label, scope, detectsDuplicates } = vip;
  const common = { scope: scopes[scope], protocol: addressProtocol.vrrp } as const;
  // It answers, but the host speaks from its own: its connections would break when the address moves.
  return { ...key, ...common, label, detectsDuplicates, isDeprecated: true };
}

function keyOf(linkIndex: number, { address, length }: VipAddressPlan): AddressKey {
  return { linkIndex, address, prefixLength: length };
}
