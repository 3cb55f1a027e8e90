import type { Clock } from "../../src/base/clock.ts";
import { later, type Instant } from "../../src/base/instant.ts";
import type { AddressKey, InterfaceAddress, LeasedAddress } from "../../src/kernel/rtnetlink.ts";

interface Lease {
  readonly from: Instant;
  readonly lifetimeS: number;
  readonly cancel: () => void;
}

/** How long the kernel keeps the addresses of a machine, frozen or not. */
export class FakeLeases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `expire` called when an address has not been leased again for so long. */
  renew(key: AddressKey, lifetimeS: number, expire: () => void): void {
    const name = nameOf(key);
    this.#leases.get(name)?.cancel();
    const from = this.#clock.now();
    const cancel = this.#clock.schedule(later(from, lifetimeS * 1000), () => {
      this.#leases.delete(name);
      expire();
    });
    this.#leases.set(name, { from, lifetimeS, cancel });
  }

  /** Gives an address with what is left of its lease. */
  of(found: InterfaceAddress): LeasedAddress {
    const { linkIndex, address, prefixLength, protocol } = found;
    const lease = this.#leases.get(nameOf(found));
    const ageS = lease === undefined ? 0 : Math.floor((this.#clock.now() - lease.from) / 1000);
    const remainingS = lease === undefined ? null : lease.lifetimeS - ageS;
    return { linkIndex, address, prefixLength, protocol, remainingS };
  }
}

function nameOf({ linkIndex, address }: Pick<AddressKey, "linkIndex" | "address">): string {
  return `${linkIndex} ${address}`;
}
