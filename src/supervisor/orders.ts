/** What became of an order that a child would answer in its own words; null is that it is told to it. */
type Refusal = string | null;

/** A report that can say that nothing was done, and why. */
interface Report<Outcome> {
  readonly outcomes: readonly Outcome[];
  readonly refusal: Refusal;
}

/** What orders are given through. */
export interface OrderNeeds<Order> {
  /** Says why nothing can be ordered at present; null if it can. */
  readonly refusal: () => Refusal;
  readonly send: (id: number, order: Order) => void;
}

/** Orders to a child, each of which it answers by its number; none waits for one that has died. */
export class Orders<Order, Outcome> {
  readonly #needs: OrderNeeds<Order>;
  readonly #waiting = new Map<number, (report: Report<Outcome>) => void>();
  #count = 0;

  constructor(needs: OrderNeeds<Order>) {
    this.#needs = needs;
  }

  /** Gives an order and what became of it; never rejects. */
  give(order: Order): Promise<Report<Outcome>> {
    const refusal = this.#needs.refusal();
    if (refusal !== null) return Promise.resolve({ outcomes: [], refusal });
    this.#count += 1;
    const id = this.#count;
    this.#needs.send(id, order);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Takes an answer. */
  answered(id: number, report: Report<Outcome>): void {
    this.#waiting.get(id)?.(report);
    this.#waiting.delete(id);
  }

  /** Answers everything that waits with a refusal: what was ordered of a process that has died may have been done or not. */
  refuseAll(refusal: string): void {
    for (const resolve of this.#waiting.values()) resolve({ outcomes: [], refusal });
    this.#waiting.clear();
  }
}
