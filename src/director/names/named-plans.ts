import { assert } from "../../base/assert.ts";
import { plannedServer } from "../../config/probes.ts";
import type { FoundName, FoundServer } from "../../config/lookup-plan.ts";
import { serversByName, type Found } from "../../config/named-servers.ts";
import { withNamedServers } from "../../config/plan-proxied.ts";
import type { DirectorPlan } from "../../config/node-plan.ts";
import type { Balancer } from "../balancer.ts";
import type { IsUp } from "../moment.ts";
import type { Names } from "./names.ts";

/** How long a start, and a reload, wait at most for names that are new. */
const startPatienceMs = 500;
const reloadPatienceMs = 2_000;

/** What plans with names in them are carried out with. */
export interface NamedPlansOptions {
  readonly names: Pick<Names, "configure" | "found" | "settled" | "stop">;
  readonly balancer: Pick<Balancer, "takeNamed">;
  readonly isUp: IsUp;
  /** Tells the proxies what names stand for. */
  readonly tell: (names: readonly FoundName[]) => void;
}

/**
 * Puts the servers that names stand for into plans, when these come into force and whenever a name stands for others. Servers
 * that a name does not stand for any more stay until one of those that it does is found well, or they are found down: make before break.
 */
export class NamedPlans {
  readonly #options: NamedPlansOptions;
  /** Both as they were sent, without what was found. */
  #begun: DirectorPlan | null = null;
  #inForce: DirectorPlan | null = null;
  #effective: Found = new Map();
  #isHolding = false;
  /** How many plans are yet to be told of, and when the last of them is. */
  #untold = 0;
  #lastTold: Promise<unknown> = Promise.resolve();

  constructor(options: NamedPlansOptions) {
    this.#options = options;
  }

  /** Looks up the names of a plan that is about to be carried out; `before` is what an earlier process found. */
  lookUp({ lookups }: DirectorPlan, before: readonly FoundName[]): void {
    this.#options.names.configure(lookups, before);
  }

  /** Gives the plan with what is in force by now. */
  begin(plan: DirectorPlan): DirectorPlan {
    this.#begun = plan;
    this.#effective = new Map([...this.#options.names.found(), ...this.#effective]);
    return withNamedServers(plan, this.#effective);
  }

  /**
   * Notes that the plan is in force; `tell` is called when others may go by it, too. Until then the proxies go by the old
   * plan, or are not there: names that are new in this one are better known before. Most are within milliseconds.
   */
  carriedOut(tell: () => void): void {
    const isFirst = this.#inForce === null;
    const plan = this.#begun;
    assert(plan !== null, "what is carried out was begun");
    this.#inForce = plan;
    const ids = new Set(plan.lookups.map(({ id }) => id));
    this.#effective = new Map([...this.#effective].filter(([id]) => ids.has(id)));
    // While a first plan took its time, names may have been found.
    this.takeFound();
    const patienceMs = isFirst ? startPatienceMs : reloadPatienceMs;
    this.#inTurn(plan.lookups.length === 0 ? null : this.#options.names.settled(patienceMs), tell);
  }

  /** Notes that the plan was refused; `tell` is called once those before it have been told of. */
  refused(tell: () => void): void {
    this.#inTurn(null, tell);
  }

  /** Whoever sends plans takes the first answer for that to the first of them. */
  #inTurn(ready: Promise<void> | null, tell: () => void): void {
    const isNext = this.#untold === 0;
    if (ready === null && isNext) return tell();
    this.#untold += 1;
    const due: Promise<unknown> = isNext && ready !== null ? ready : Promise.all([this.#lastTold, ready]);
    this.#lastTold = due.then(() => {
      this.#untold -= 1;
      tell();
    });
  }

  /** Takes what is found now into the plan in force. */
  takeFound(): void {
    const { balancer, isUp, names, tell } = this.#options;
    const plan = this.#inForce;
    if (plan === null || plan.lookups.length === 0) return;
    const next = new Map(this.#effective);
    this.#isHolding = false;
    for (const [id, servers] of names.found()) {
      const judge = (some: readonly FoundServer[]): readonly (boolean | null)[] =>
        verdictsOf(plan, new Map([[id, some]]), isUp);
      // One that is down holds no place: else a name whose servers are all down would gather those of each answer.
      const leaving = (this.#effective.get(id) ?? []).filter(
        (server) =>
          !servers.some((one) => isSame(one, server)) && judge([server]).some((verdict) => verdict !== false),
      );
      const isKept = leaving.length > 0 && servers.length > 0 && !judge(servers).includes(true);
      next.set(id, isKept ? [...servers, ...leaving] : servers);
      this.#isHolding ||= isKept;
    }
    this.#effective = next;
    // The proxies hear of servers before they hear how these stand.
    tell([...next].map(([lookup, servers]) => ({ lookup, servers })));
    balancer.takeNamed(withNamedServers(plan, next));
  }

  /** Looks whether servers may go that were waiting for others to be found well. */
  checked(): void {
    if (this.#isHolding) this.takeFound();
  }

  /** Looks nothing up any more. */
  stop(): void {
    this.#options.names.stop();
  }
}

function isSame(one: FoundServer, other: FoundServer): boolean {
  return one.address === other.address && one.srv?.port === other.srv?.port;
}

/** Gives how the servers that a name stands for are; each may be several, on other ports. */
function verdictsOf({ proxied }: DirectorPlan, found: Found, isUp: IsUp): readonly (boolean | null)[] {
  const entries = proxied.flatMap(({ named }) => named.filter(({ lookup }) => found.has(lookup.id)));
  return serversByName(entries, found, []).map((server) => {
    const { probe } = plannedServer(server);
    return probe === null ? true : isUp(probe);
  });
}
