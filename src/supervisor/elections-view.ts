import type { Clock } from "../base/clock.ts";
import type { Instant } from "../base/instant.ts";
import type { VrrpPlan } from "../config/node-plan.ts";
import type { HandedOver } from "../ipc/handover.ts";
import type { FromVrrp } from "../ipc/messages.ts";
import type { BfdReport, InstanceStatus } from "../ipc/status.ts";
import { adoptable } from "./adoption.ts";
import type { Succession } from "./succession.ts";

/** What `vrrp` has last said of its elections; before it has said anything what a predecessor left. */
export class ElectionsView {
  readonly #clock: Clock;
  #instances: readonly InstanceStatus[] = [];
  #bfd: BfdReport = { sessions: [], strays: {} };
  #heardAt: Instant;
  /** What the program before this one held, until this one's own elections have told of themselves. */
  #legacy: Pick<Succession, "active" | "handedOver"> | null;

  constructor(clock: Clock, legacy: Pick<Succession, "active" | "handedOver"> | null) {
    this.#clock = clock;
    this.#heardAt = clock.now();
    this.#legacy = legacy;
  }

  /** The virtual routers. */
  get instances(): readonly InstanceStatus[] {
    return this.#instances;
  }

  /** The sessions of BFD. */
  get bfd(): BfdReport {
    return this.#bfd;
  }

  /** Names of the virtual routers that are active. */
  get active(): readonly string[] {
    const own = this.#instances.filter(({ state }) => state === "active").map(({ name }) => name);
    return this.#legacy?.active ?? own;
  }

  /** The virtual routers that the operator has handed over. */
  get handedOver(): readonly HandedOver[] {
    return (
      this.#legacy?.handedOver ??
      this.#instances.flatMap(({ interface: link, family, vrid, handedOverAt: at }): readonly HandedOver[] =>
        at === null ? [] : [{ interface: link, family, vrid, at }],
      )
    );
  }

  /** Takes what the process says. */
  heard(message: Extract<FromVrrp, { readonly kind: "status" | "unchanged" }>): void {
    this.keptUntilNow();
    if (message.kind === "unchanged") return;
    this.#instances = message.instances;
    this.#bfd = message.bfd;
    this.#legacy = null;
  }

  /** Counts what was last said as said just now: the predecessor's elections went on until this moment. */
  keptUntilNow(): void {
    this.#heardAt = this.#clock.now();
  }

  /** Gives the virtual routers that a process started now goes on with, as `adoptable` says. */
  adoptable(plan: VrrpPlan): readonly string[] {
    return adoptable(plan, this.active, this.#clock.now() - this.#heardAt);
  }
}
