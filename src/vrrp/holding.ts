import { familyOf } from "../base/address.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Log } from "../base/log.ts";
import type { VipAddressPlan, VrrpInstancePlan } from "../config/node-plan.ts";
import type { InterfaceAddress } from "../kernel/rtnetlink.ts";
import type { Acceptance } from "./acceptance.ts";
import { Announcer, type AnnouncerNeeds } from "./announcer.ts";
import { later, type Instant } from "../base/instant.ts";
import { DuplicateAddresses } from "./duplicate-addresses.ts";
import { heldAddresses, heldText } from "./held-addresses.ts";
import type { Interfaces } from "./interfaces.ts";
import { leaseS, renewalMs } from "./lease.ts";
import { routerKey } from "./plan-difference.ts";
import type { PutBacks } from "./put-backs.ts";
import type { VirtualAddresses } from "./virtual-addresses.ts";
import type { VirtualFib } from "./virtual-fib.ts";

/** What holding takes. */
export interface HoldingNeeds extends AnnouncerNeeds {
  readonly interfaces: Interfaces;
  readonly addresses: VirtualAddresses;
  readonly acceptance: Acceptance;
  readonly fib: VirtualFib;
  readonly putBacks: PutBacks;
  readonly log: Log;
}

/**
 * What one virtual router has while it is active: addresses in and beside its advertisement, what is kept away from them,
 * routes, rules. Taken in
 * this order and given up in the reverse.
 */
export class Holding {
  readonly #needs: HoldingNeeds;
  readonly #announcer: Announcer;
  readonly #duplicates: DuplicateAddresses;
  readonly #deadlineName: string;
  /** Addresses to be announced once the network has been asked about them. */
  readonly #unannounced = new Set<string>();
  #plan: VrrpInstancePlan;
  #isHeld = false;
  #renewedAt: Instant | null = null;
  /** Addresses that have been there since they were taken: what is missing of them, somebody removed. */
  readonly #had = new Set<string>();
  /** The MAC of each interface that the neighbours were told of. */
  readonly #told = new Map<string, Uint8Array>();

  constructor(plan: VrrpInstancePlan, needs: HoldingNeeds) {
    this.#plan = plan;
    this.#needs = needs;
    this.#announcer = new Announcer(routerKey(plan), needs, () => ({
      addresses: this.#answering(heldAddresses(this.#plan)),
      garp: this.#plan.garp,
    }));
    this.#duplicates = new DuplicateAddresses(
      () => this.#plan,
      needs,
      (vips) => this.#announcer.announce(vips),
    );
    this.#deadlineName = `put back ${routerKey(plan)}`;
  }

  /** Addresses that do not answer because another host has them too, as `address/length`. */
  get duplicates(): readonly string[] {
    return this.#duplicates.texts;
  }

  /** Takes everything. */
  take(): void {
    this.#isHeld = true;
    this.#renewedAt = null;
    this.#add(heldAddresses(this.#plan));
    this.#needs.fib.take(this.#plan);
  }

  /** Keeps the addresses: without this the kernel removes them after a while (lease.ts). Cheap, to be called often. */
  keepAlive(): void {
    if (!this.#isHeld) return;
    const now = this.#needs.host.clock.now();
    if (this.#renewedAt !== null && now < later(this.#renewedAt, renewalMs)) return;
    // Those whose lease ran out while this process was stopped.
    this.check();
    this.#renew();
  }

  /** Gives everything up. */
  release(): void {
    this.quiet();
    this.#needs.deadlines.clear(this.#deadlineName);
    this.#isHeld = false;
    this.#had.clear();
    this.#told.clear();
    this.#unannounced.clear();
    this.#duplicates.clear();
    this.#needs.fib.release(this.#plan);
    this.#needs.addresses.remove(heldAddresses(this.#plan));
    this.#needs.acceptance.release(this.#plan);
  }

  /** Tells the neighbours where the addresses are now. */
  announce(): void {
    this.#withOtherMac(heldAddresses(this.#plan));
    this.#announce(heldAddresses(this.#plan));
    // Not before: clients wait for the announcement.
    if (this.#isHeld && this.#renewedAt === null) this.#renew();
  }

  /** Takes note that duplicate address detection has gone on with an address. */
  seen({ address, linkIndex }: InterfaceAddress): void {
    // Renewals of IPv4 leases come in every second, one for each address.
    if (!this.#isHeld || familyOf(address) === 4) return;
    const link = this.#needs.interfaces.linkAt(linkIndex)?.name;
    const ours = heldAddresses(this.#plan).filter((vip) => vip.address === address && vip.interface === link);
    this.#duplicates.look(ours);
    this.#announce(ours.filter((vip) => this.#unannounced.has(heldText(vip))));
  }

  /** Says no more: whoever is about to take over does, and a late burst of ours would turn the hosts back. */
  quiet(): void {
    this.#announcer.cancel();
  }

  /** Turns what is held into that of another plan, without touching what stays; `addsNew` unless the router leaves. */
  configure(plan: VrrpInstancePlan, addsNew: boolean): void {
    const before = this.#plan;
    this.#plan = plan;
    if (!this.#isHeld) return;
    const { addresses, fib } = this.#needs;
    fib.release({
      routes: missingFrom(plan.routes, before.routes),
      rules: missingFrom(plan.rules, before.rules),
    });
    const gone = missingFrom(heldAddresses(plan), heldAddresses(before));
    addresses.remove(gone);
    this.#forget(gone);
    this.#needs.acceptance.hold(plan);
    if (!addsNew) return;
    if (before.garp.refreshMs !== plan.garp.refreshMs) this.#announcer.keepFresh();
    const fresh = missingFrom(heldAddresses(before), heldAddresses(plan));
    this.#add(fresh);
    fib.take({
      routes: missingFrom(before.routes, plan.routes),
      rules: missingFrom(before.rules, plan.rules),
    });
    this.#renew();
    this.#announce(fresh);
  }

  /** Takes note that an address has gone from a link; one of ours is put back in a moment. */
  lost(gone: InterfaceAddress): void {
    const link = this.#needs.interfaces.linkAt(gone.linkIndex)?.name;
    const isOurs = heldAddresses(this.#plan).some(
      (vip) => vip.address === gone.address && vip.length === gone.prefixLength && vip.interface === link,
    );
    if (isOurs) this.checkSoon();
  }

  /** Looks whether everything is there as soon as the events of this moment have been read. */
  checkSoon(): void {
    const { deadlines, host } = this.#needs;
    if (this.#isHeld) deadlines.set(this.#deadlineName, host.clock.now(), () => this.check());
  }

  /** Puts back the addresses that are not there, and tells the neighbours of another MAC. */
  check(): void {
    if (!this.#isHeld) return;
    const { addresses, deadlines, log, putBacks } = this.#needs;
    const held = heldAddresses(this.#plan);
    // The kernel does not tell them unless arp_notify or ndisc_notify is set.
    const moved = this.#withOtherMac(held);
    if (moved.size > 0) this.#announce(held.filter((vip) => moved.has(vip.interface)));
    const missing = held.filter((vip) => addresses.isMissing(vip));
    if (missing.length === 0) return;
    const lost = new Set(missing.map(heldText)).intersection(this.#had);
    const { due, next } = putBacks.divide(missing, heldText);
    const wasStopped = this.#hasOutslept();
    const added = this.#add(due);
    for (const text of added.map(heldText)) {
      if (lost.has(text) && wasStopped)
        log.warning(
          `${this.#plan.name}: ${text} went with its lease while this process was stopped: put back`,
        );
      else if (lost.has(text)) putBacks.count(text, `${this.#plan.name}: ${text}`);
      else log.notice(`${this.#plan.name}: ${text} could be added now`);
    }
    this.#renew();
    this.#announce(added);
    if (next !== null) deadlines.set(this.#deadlineName, next, () => this.check());
  }

  #forget(vips: readonly VipAddressPlan[]): void {
    this.#duplicates.forget(vips);
    for (const text of vips.map(heldText)) {
      this.#had.delete(text);
      this.#unannounced.delete(text);
    }
  }

  /** Tells whether the kernel has removed leased addresses by now: it was nobody else then. */
  #hasOutslept(): boolean {
    const at = this.#renewedAt;
    return at !== null && this.#needs.host.clock.now() >= later(at, leaseS(this.#plan) * 1000);
  }

  /** Gives the interfaces with another MAC than the one that was told last, and takes note of it. */
  #withOtherMac(vips: readonly VipAddressPlan[]): ReadonlySet<string> {
    const moved = new Set<string>();
    for (const { interface: on } of vips) {
      const mac = this.#needs.interfaces.linkNamed(on)?.mac;
      const told = this.#told.get(on);
      if (mac === undefined || mac === told) continue;
      if (told !== undefined && !equalBytes(mac, told)) moved.add(on);
      this.#told.set(on, mac);
    }
    return moved;
  }

  /** Tells the neighbours of what answers; of the rest as soon as it does. */
  #announce(vips: readonly VipAddressPlan[]): void {
    const answering = this.#answering(vips);
    for (const vip of vips) this.#unannounced.add(heldText(vip));
    for (const vip of answering) this.#unannounced.delete(heldText(vip));
    this.#announcer.announce(answering);
  }

  /** Without duplicate address detection an address answers from its first moment. */
  #answering(vips: readonly VipAddressPlan[]): readonly VipAddressPlan[] {
    const { addresses } = this.#needs;
    return vips.filter((vip) => !vip.detectsDuplicates || addresses.readiness(vip) === "ready");
  }

  #renew(): void {
    this.#renewedAt = this.#needs.host.clock.now();
    this.#needs.addresses.renew(heldAddresses(this.#plan), leaseS(this.#plan));
  }

  #add(vips: readonly VipAddressPlan[]): readonly VipAddressPlan[] {
    const { acceptance, addresses, interfaces } = this.#needs;
    // Before the addresses: no packet must slip in between.
    acceptance.hold(this.#plan);
    for (const vip of vips) if (interfaces.linkNamed(vip.interface) !== null) this.#had.add(heldText(vip));
    return addresses.add(vips);
  }
}

function missingFrom<T>(these: readonly T[], those: readonly T[]): readonly T[] {
  const texts = new Set(these.map((one) => JSON.stringify(one)));
  return those.filter((one) => !texts.has(JSON.stringify(one)));
}
