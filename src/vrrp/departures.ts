import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import type { Departure, DepartureReply, DepartureStep } from "../ipc/departure.ts";
import type { Router } from "./router.ts";
import { formatMs, skewMs } from "./timers.ts";

/** How long what is in use may take once nothing new is let in. */
export const clearLimitMs = 200;
/** How much longer than the next router should take new connections are held back, in case it is late. */
const lateMs = 300;
/** How long an answer of the proxies may be late. */
const answerSlackMs = 300;

/** What departures need of the node. */
export interface DepartureNeeds {
  readonly clock: Clock;
  readonly log: Log;
  /** Sends an order to the proxies; null where there is nobody to send it to. */
  readonly send: ((departure: Departure) => void) | null;
}

interface Leave {
  readonly id: number;
  readonly addresses: readonly string[];
  readonly limitMs: number;
  /** Those that have not changed hands yet. */
  readonly routers: Set<Router>;
  /** When the next router takes over, counted from the resignation; null if nobody knows. */
  readonly skewMs: number | null;
  /** Has the routers resign; null once they have. */
  proceed: (() => void) | null;
  /** What to do at the answer to the step in hand, and the timer for lack of one. */
  answered: { readonly kind: DepartureReply["kind"]; readonly goOn: () => void } | null;
  cancel: () => void;
}

/**
 * Sees to the open connections of the proxies before addresses are handed over by plan: the next holder knows nothing of
 * them and would reset them. They get a limited time to end while new ones are answered; then, for the moment of the
 * switch, nothing new is let in.
 *
 *     drain ──► clear ──► resign ──► another took over ──► over         the next router claims at once
 *     drain ──► resign ──(its skew is nearly over)──► clear ──► …       the next router takes its time
 */
export class Departures {
  readonly #needs: DepartureNeeds;
  readonly #leaves = new Set<Leave>();
  #count = 0;

  constructor(needs: DepartureNeeds) {
    this.#needs = needs;
  }

  /** Tells whether a router is about to resign. */
  isPending(router: Router): boolean {
    return [...this.#leaves].some(({ proceed, routers }) => proceed !== null && routers.has(router));
  }

  /** Calls `proceed`, which has the routers resign, when their connections have ended or have had `limitMs`. */
  begin(routers: readonly Router[], limitMs: number, proceed: () => void): void {
    const served = routers.filter(
      (router) => router.plan.needsProxy && router.election.state === "active" && !this.isPending(router),
    );
    if (served.length === 0 || this.#needs.send === null) return proceed();
    this.#count += 1;
    const leave: Leave = {
      id: this.#count,
      addresses: served.flatMap(({ plan }) => plan.addresses.map(({ address }) => address)),
      limitMs,
      routers: new Set(served),
      skewMs: shortest(served.map(({ plan }) => nextSkewMs(plan))),
      proceed,
      answered: null,
      cancel: () => undefined,
    };
    this.#leaves.add(leave);
    // Without time to end by themselves they are ended all the same: nobody else would tell a client that only reads.
    if (limitMs === 0) this.#drained(leave);
    else this.#ask(leave, { kind: "drain", limitMs }, () => this.#drained(leave));
  }

  /** Takes an answer of the proxies. */
  answer({ id, kind, ended }: DepartureReply): void {
    const leave = [...this.#leaves].find((each) => each.id === id);
    if (leave?.answered?.kind !== kind) return;
    if (ended > 0) this.#tell(leave, kind, ended);
    leave.answered.goOn();
  }

  /** Lets nobody wait any longer who waits for these routers, or for any. */
  hurry(routers?: readonly Router[]): void {
    for (const leave of this.#leaves) {
      if (routers === undefined || routers.some((router) => leave.routers.has(router))) this.#resign(leave);
    }
  }

  /** Takes note that a router has changed its state. */
  moved(router: Router): void {
    const { state } = router.election;
    for (const leave of this.#leaves) {
      if (leave.proceed !== null || state === "leaving" || !leave.routers.delete(router)) continue;
      if (leave.routers.size === 0) this.#end(leave, state !== "active");
    }
  }

  #drained(leave: Leave): void {
    const { skewMs: skew } = leave;
    const resign = (): void => this.#resign(leave);
    if (skew === null || isSoon(skew) || leave.limitMs === 0) {
      const limitMs = Math.min(clearLimitMs, leave.limitMs);
      return this.#ask(leave, { kind: "clear", limitMs, holdsNew: isSoon(skew) }, resign);
    }
    resign();
    if (!this.#leaves.has(leave)) return;
    this.#after(leave, skew - clearLimitMs, () =>
      this.#ask(leave, { kind: "clear", limitMs: clearLimitMs, holdsNew: true }, () =>
        this.#after(leave, clearLimitMs + lateMs, () => this.#over(leave, false)),
      ),
    );
  }

  #resign(leave: Leave): void {
    const { proceed } = leave;
    if (proceed === null) return;
    leave.cancel();
    leave.answered = null;
    leave.proceed = null;
    proceed();
    // What gave way in the meantime, or did so at once, has nothing to wait for.
    for (const router of leave.routers) this.moved(router);
    const { skewMs: skew } = leave;
    if (this.#leaves.has(leave) && isSoon(skew))
      this.#after(leave, skew + lateMs, () => this.#over(leave, false));
  }

  /** Gives an order, and goes on at its answer or without one. */
  #ask(leave: Leave, step: Extract<DepartureStep, { limitMs: number }>, then: () => void): void {
    const goOn = (): void => {
      leave.cancel();
      leave.answered = null;
      then();
    };
    leave.answered = { kind: step.kind, goOn };
    this.#after(leave, step.limitMs + answerSlackMs, goOn);
    this.#needs.send?.({ id: leave.id, addresses: leave.addresses, step });
  }

  #after(leave: Leave, ms: number, act: () => void): void {
    const { clock } = this.#needs;
    leave.cancel();
    leave.cancel = clock.schedule(later(clock.now(), ms), act);
  }

  #end(leave: Leave, isGone: boolean): void {
    leave.cancel();
    if (this.#leaves.delete(leave)) this.#over(leave, isGone);
  }

  #over({ id, addresses }: Leave, isGone: boolean): void {
    this.#needs.send?.({ id, addresses, step: { kind: "over", isGone } });
  }

  #tell(leave: Leave, kind: DepartureReply["kind"], ended: number): void {
    const what = ended === 1 ? "1 connection" : `${ended} connections`;
    const when = kind === "drain" ? `after ${formatMs(leave.limitMs)}` : "when the address was about to go";
    const names = [...leave.routers].map(({ name }) => name).join(", ");
    this.#needs.log.notice(`${names}: ${what} in use ${when}: ended before the handover`);
  }
}

/** Tells whether a router that waits for so long after a resignation takes over right behind it. */
function isSoon(skew: number | null): skew is number {
  return skew !== null && skew <= 2 * clearLimitMs;
}

/** Gives how long the first of the other routers that are known waits after a resignation; null if none is. */
function nextSkewMs({ neighbours, version, advertIntervalMs: intervalMs }: VrrpInstancePlan): number | null {
  if (neighbours.length === 0) return null;
  const priority = Math.max(...neighbours.map((neighbour) => neighbour.priority));
  return skewMs({ version, priority, intervalMs });
}

/** Gives the shortest of several times; null if one of them is not known. */
function shortest(times: readonly (number | null)[]): number | null {
  const known = times.flatMap((time) => time ?? []);
  return known.length === times.length ? Math.min(...known) : null;
}
