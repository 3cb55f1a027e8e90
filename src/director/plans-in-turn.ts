import type { Clock } from "../base/clock.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { Balancer } from "./balancer.ts";

/** What plans are carried out with. */
export interface PlansInTurnOptions {
  readonly clock: Clock;
  readonly balancer: Pick<Balancer, "isFilling" | "fill">;
  /** Begins with a plan; the result says why not. */
  readonly begin: (plan: DirectorPlan, found: ReadonlyMap<string, boolean>) => string | null;
  /** Says what became of a plan, of each in its turn: null is that it was carried out. */
  readonly answer: (reason: string | null) => void;
}

/** Carries out one plan after the other. Between the slices of a long first one checks go on, and so do signs of life. */
export class PlansInTurn {
  readonly #options: PlansInTurnOptions;
  #cancel: () => void = () => undefined;

  constructor(options: PlansInTurnOptions) {
    this.#options = options;
  }

  configure(plan: DirectorPlan, found: ReadonlyMap<string, boolean>): void {
    const { balancer, begin, answer } = this.#options;
    // The first plan is answered before the one that follows it.
    while (balancer.isFilling) this.#fill();
    this.#cancel();
    const reason = begin(plan, found);
    if (balancer.isFilling) this.#fillLater();
    else answer(reason);
  }

  /** Does nothing more. */
  stop(): void {
    this.#cancel();
  }

  #fillLater(): void {
    const { clock } = this.#options;
    this.#cancel();
    this.#cancel = clock.schedule(clock.now(), () => this.#fill());
  }

  #fill(): void {
    const { balancer, answer } = this.#options;
    const reason = balancer.fill();
    if (balancer.isFilling) this.#fillLater();
    else answer(reason);
  }
}
