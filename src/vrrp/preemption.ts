import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Election, Heard } from "./election-types.ts";

/** What asking takes. */
export interface PreemptionNeeds {
  readonly clock: Clock;
  /** Asks the router that is outranked to hand over. */
  readonly ask: () => void;
  /** How long it may take for that once it has answered. */
  readonly limitMs: () => number;
  /** Called when there is nothing to wait for any more; `isLate` if this host has overslept that. */
  readonly over: (isLate: boolean) => void;
}

/** An answer comes within a millisecond from a host that has time; a packet may be lost. */
const askEveryMs = 50;
const asks = 3;
/** A host that is late by more than this may have missed what has happened meanwhile. */
const graceMs = 20;

/**
 * A backup that is about to preempt asks for the addresses first, so that their holder can see to its open connections as
 * before any planned switch. Holders that do not answer are preempted as the RFCs have it; so are those that have
 * promised to hand over and have not when their time is up.
 */
export class Preemption {
  readonly #needs: PreemptionNeeds;
  /** Who was asked, and whether it has answered; null if nobody was. */
  #asked: { readonly source: string; hasAnswered: boolean } | null = null;
  #isWaiting = false;
  #cancel: () => void = () => undefined;

  constructor(needs: PreemptionNeeds) {
    this.#needs = needs;
  }

  /** Whether a holder was asked and may still hand over. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Asks once for each preemption; tells whether there is something to wait for. */
  begin(source: string): boolean {
    if (this.#asked?.source === source) return false;
    this.end();
    this.#asked = { source, hasAnswered: false };
    this.#isWaiting = true;
    this.#ask(asks);
    return true;
  }

  /** Takes an answer; tells whether it is the first of the one that was asked. */
  answer(source: string): boolean {
    const asked = this.#asked;
    if (!this.#isWaiting || asked?.source !== source || asked.hasAnswered) return false;
    asked.hasAnswered = true;
    this.#after(this.#needs.limitMs(), (isLate) => this.#over(isLate));
    return true;
  }

  /** Looks at what has become of the election: whoever is no backup of a router it outranks has nothing to ask for. */
  follow(election: Election): void {
    if (this.#asked !== null && outranked(election) === null) this.end();
  }

  /** Waits no longer; whoever is outranked then is asked anew. */
  end(): void {
    this.#cancel();
    this.#asked = null;
    this.#isWaiting = false;
  }

  /** Waits no longer, and does not ask again either. */
  stopWaiting(): void {
    this.#cancel();
    this.#isWaiting = false;
  }

  #ask(left: number): void {
    if (left === 0) return this.#over(false);
    this.#needs.ask();
    this.#after(askEveryMs, (isLate) => (isLate ? this.#over(true) : this.#ask(left - 1)));
  }

  #over(isLate: boolean): void {
    this.stopWaiting();
    this.#needs.over(isLate);
  }

  #after(ms: number, act: (isLate: boolean) => void): void {
    const { clock } = this.#needs;
    const due = later(clock.now(), ms);
    this.#cancel();
    this.#cancel = clock.schedule(due, () => act(clock.now() > later(due, graceMs)));
  }
}

/** Gives the last word of a router of lower priority that a backup does not follow, or follows only for now; else null. */
export function outranked(election: Election): Heard | null {
  if (election.state !== "backup" || election.heard === null) return null;
  const { verdict } = election.heard;
  return verdict === "outranked" || verdict === "tolerated" ? election.heard : null;
}

/** Gives the router that a backup is about to preempt, if it was alive just now; else null. */
export function preempted(election: Election, at: Instant): Heard | null {
  const heard = outranked(election);
  if (heard === null || election.state !== "backup" || heard.verdict !== "outranked") return null;
  return at - heard.at <= 1.5 * election.activeIntervalMs ? heard : null;
}
