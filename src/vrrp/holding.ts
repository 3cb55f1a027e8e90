import type { Log } from "../base/log.ts";
import type { VipAddressPlan, VrrpInstancePlan } from "../config/node-plan.ts";
import type { InterfaceAddress } from "../kernel/rtnetlink.ts";
import { Announcer, type AnnouncerNeeds } from "./announcer.ts";
import { later, type Instant } from "../base/instant.ts";
import { heldAddresses } from "./held-addresses.ts";
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
  readonly fib: VirtualFib;
  readonly putBacks: PutBacks;
  readonly log: Log;
}

/**
 * What one virtual router has while it is active: addresses in and beside its advertisement, routes, rules. Taken in
 * this order and given up in the reverse.
 */
export class Holding {
  readonly #needs: HoldingNeeds;
  readonly #announcer: Announcer;
  readonly #deadlineName: string;
  #plan: VrrpInstancePlan;
  #isHeld = false;
  #renewedAt: Instant | null = null;
  /** Addresses that have been there since they were taken: what is missing of them, somebody removed. */
  readonly #had = new Set<string>();

  constructor(plan: VrrpInstancePlan, needs: HoldingNeeds) {
    this.#plan = plan;
    this.#needs = needs;
    this.#announcer = new Announcer(routerKey(plan), needs, () => ({
      addresses: heldAddresses(this.#plan),
      garp: this.#plan.garp,
    }));
    this.#deadlineName = `put back ${routerKey(plan)}`;
  }

  /** Takes everything. */
  take(): void {
    this.#isHeld = true;
    this.#add(heldAddresses(this.#plan));
    this.#renew();
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
    this.#needs.fib.release(this.#plan);
    this.#needs.addresses.remove(heldAddresses(this.#plan));
  }

  /** Tells the neighbours where the addresses are now. */
  announce(): void {
    this.#announcer.announce();
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
    addresses.remove(missingFrom(heldAddresses(plan), heldAddresses(before)));
    if (!addsNew) return;
    if (before.garp.refreshMs !== plan.garp.refreshMs) this.#announcer.keepFresh();
    const fresh = missingFrom(heldAddresses(before), heldAddresses(plan));
    this.#add(fresh);
    fib.take({
      routes: missingFrom(before.routes, plan.routes),
      rules: missingFrom(before.rules, plan.rules),
    });
    this.#renew();
    this.#announcer.announce(fresh);
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

  /** Puts back the addresses that are not there. */
  check(): void {
    if (!this.#isHeld) return;
    const { addresses, deadlines, log, putBacks } = this.#needs;
    const missing = heldAddresses(this.#plan).filter((vip) => addresses.isMissing(vip));
    if (missing.length === 0) return;
    const lost = new Set(missing.map(textOf)).intersection(this.#had);
    const { due, next } = putBacks.divide(missing, textOf);
    const added = this.#add(due);
    for (const text of added.map(textOf)) {
      if (lost.has(text)) putBacks.count(text, `${this.#plan.name}: ${text}`);
      else log.notice(`${this.#plan.name}: ${text} could be added now`);
    }
    this.#renew();
    this.#announcer.announce(added);
    if (next !== null) deadlines.set(this.#deadlineName, next, () => this.check());
  }

  #renew(): void {
    this.#renewedAt = this.#needs.host.clock.now();
    this.#needs.addresses.renew(heldAddresses(this.#plan), leaseS(this.#plan));
  }

  #add(vips: readonly VipAddressPlan[]): readonly VipAddressPlan[] {
    const { addresses, interfaces } = this.#needs;
    for (const vip of vips) if (interfaces.linkNamed(vip.interface) !== null) this.#had.add(textOf(vip));
    return addresses.add(vips);
  }
}

function missingFrom<T>(these: readonly T[], those: readonly T[]): readonly T[] {
  const texts = new Set(these.map((one) => JSON.stringify(one)));
  return those.filter((one) => !texts.has(JSON.stringify(one)));
}

function textOf(vip: VipAddressPlan): string {
  return `${vip.address}/${vip.length} on ${vip.interface}`;
}
