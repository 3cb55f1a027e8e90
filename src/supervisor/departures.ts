import type { Departure, DepartureReply } from "../ipc/departure.ts";

/** What departures have to do with. */
export interface DepartureNeeds<Proxy> {
  /** Everyone who may have open connections, at present. */
  readonly proxies: () => readonly Proxy[];
  readonly send: (proxy: Proxy, departure: Departure) => void;
  /** Tells the elections how a step went. */
  readonly answer: (reply: DepartureReply) => void;
  /** Leaves new connections to these addresses unanswered, and to no others. */
  readonly hold: (addresses: readonly string[]) => void;
}

interface Order<Proxy> {
  readonly addresses: readonly string[];
  readonly isHolding: boolean;
  readonly kind: DepartureReply["kind"];
  readonly waiting: Set<Proxy>;
  ended: number;
}

/**
 * Puts the elections' orders about open connections to every proxy and makes one answer of theirs. It has no timers: the
 * elections go on by themselves when a proxy does not answer.
 */
export class Departures<Proxy> {
  readonly #needs: DepartureNeeds<Proxy>;
  readonly #orders = new Map<number, Order<Proxy>>();

  constructor(needs: DepartureNeeds<Proxy>) {
    this.#needs = needs;
  }

  /** Passes an order on. */
  begin(departure: Departure): void {
    const { id, addresses, step } = departure;
    const { hold, proxies, send } = this.#needs;
    const all = proxies();
    const before = this.#held();
    if (step.kind === "over") this.#orders.delete(id);
    else {
      const isHolding = step.kind === "clear" && step.holdsNew;
      this.#orders.set(id, { addresses, isHolding, kind: step.kind, waiting: new Set(all), ended: 0 });
    }
    const after = this.#held();
    // Before anything is closed: whoever comes back at once must not be let in again.
    if (before.length !== after.length) hold(after);
    for (const proxy of all) send(proxy, departure);
    this.#settle(id);
  }

  /** Takes one proxy's answer. */
  answered(proxy: Proxy, { id, kind, ended }: DepartureReply): void {
    const order = this.#orders.get(id);
    if (order === undefined || order.kind !== kind || !order.waiting.delete(proxy)) return;
    order.ended += ended;
    this.#settle(id);
  }

  /** Waits for nothing from a proxy that is gone, and its connections with it. */
  forget(proxy: Proxy): void {
    for (const [id, { waiting }] of this.#orders) if (waiting.delete(proxy)) this.#settle(id);
  }

  /** Ends all orders: whoever gave them is gone, and the addresses stay for the time being. */
  cancel(): void {
    for (const [id, { addresses }] of this.#orders)
      this.begin({ id, addresses, step: { kind: "over", isGone: false } });
  }

  #settle(id: number): void {
    const order = this.#orders.get(id);
    if (order === undefined || order.waiting.size > 0) return;
    this.#needs.answer({ id, kind: order.kind, ended: order.ended });
  }

  #held(): readonly string[] {
    return [...this.#orders.values()].flatMap(({ isHolding, addresses }) => (isHolding ? addresses : []));
  }
}
