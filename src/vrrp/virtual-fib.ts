import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { VirtualRoutePlan, VirtualRulePlan, VrrpInstancePlan } from "../config/node-plan.ts";
import { routeText, ruleText } from "../config/route-text.ts";
import { isRuleNote, ruleNote } from "../kernel/journal-notes.ts";
import { fibProtocol } from "../kernel/rtnetlink.ts";
import type { Complaints } from "./complaints.ts";
import type { Deadlines } from "./deadlines.ts";
import {
  fibChange,
  foundText,
  isSameRequest,
  notesOf,
  routeRequest,
  ruleRequest,
  type FibRequest,
} from "./fib-request.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";
import type { Ownership } from "./ownership.ts";
import type { PutBacks } from "./put-backs.ts";
import { tableNumbers, tablesOf } from "./routing-tables.ts";

/** What looking after virtual routes and rules takes. */
export interface VirtualFibNeeds {
  readonly host: Pick<Host, "routes" | "readFile" | "clock">;
  readonly interfaces: Interfaces;
  readonly ownership: Ownership;
  readonly putBacks: PutBacks;
  readonly deadlines: Deadlines;
  readonly complaints: Complaints;
  readonly log: Log;
}

/** What a virtual router holds of them. */
export type HeldFib = Pick<VrrpInstancePlan, "routes" | "rules">;

type Wanted =
  | { readonly kind: "route"; readonly text: string; readonly plan: VirtualRoutePlan }
  | { readonly kind: "rule"; readonly text: string; readonly plan: VirtualRulePlan };

/** Events come in swarms; what they are about is looked at once, this long after the first. */
const settleMs = 5;
const deadlineName = "virtual routes and rules";

/**
 * The virtual routes and rules of this host: adds and removes them, and puts back what goes away. What somebody else
 * made is neither replaced nor removed. The kernel does not tell of every route that it removes with a link or an
 * address: so events only make this look, and what is there is read.
 */
export class VirtualFib {
  readonly #needs: VirtualFibNeeds;
  readonly #wanted = new Map<string, Wanted>();
  /** What has been in the kernel since it was wanted, as it was asked for: an interface that is renamed keeps its routes. */
  readonly #seen = new Map<string, FibRequest>();
  #tables: ReadonlyMap<string, number> = new Map();
  #unsubscribe: (() => void) | null = null;
  #isCheckDue = false;

  constructor(needs: VirtualFibNeeds) {
    this.#needs = needs;
  }

  /** Gets ready for these routers, or throws; the result puts it in force. */
  prepare(plans: readonly VrrpInstancePlan[]): () => void {
    const tables = tableNumbers(plans.map(tablesOf), this.#needs.host);
    return () => {
      // Names of the old plan are still of use for removing what it had.
      this.#tables = new Map([...this.#tables, ...tables]);
      if (plans.some(({ routes, rules }) => routes.length + rules.length > 0)) this.#subscribe();
    };
  }

  /** Adds routes, then rules. */
  take(held: HeldFib): void {
    const wanted = wantedOf(held);
    for (const one of wanted) this.#wanted.set(one.text, one);
    this.#add(wanted);
  }

  /** Removes rules, then routes. */
  release(held: HeldFib): void {
    const old = wantedOf(held).toReversed();
    // What was never there as ours may be somebody else's, and kernels before 4.17 do not tell rules apart.
    const ours = old.flatMap(({ text }) => this.#seen.get(text) ?? []);
    for (const { text } of old) {
      this.#wanted.delete(text);
      this.#seen.delete(text);
    }
    this.#remove(ours);
  }

  /** Takes over what an earlier process left of these. */
  adopt(held: HeldFib): void {
    for (const one of wantedOf(held)) this.#wanted.set(one.text, one);
  }

  /** Removes what an earlier process left and was not adopted. */
  sweep(): void {
    const { log, ownership } = this.#needs;
    const ours = this.#present().filter((found) => this.#isLeftover(found));
    const adopted = new Set<FibRequest>();
    for (const one of this.#wanted.values()) {
      const request = this.#request(one);
      const found = ours.find((each) => request !== null && isSameRequest(each, request));
      if (found === undefined) continue;
      adopted.add(found);
      this.#seen.set(one.text, found);
    }
    const left = ours.filter((found) => !adopted.has(found));
    for (const one of left) log.notice(`removing ${foundText(one)}: left by an earlier run`);
    this.#remove(left);
    ownership.settle([...adopted].flatMap(notesOf));
    // What was noted and is not there any more needs no note.
    ownership.forget([...ownership.inherited].filter(isRuleNote));
  }

  /** Looks in a moment whether everything is there. */
  checkSoon(): void {
    if (this.#wanted.size === 0 || this.#isCheckDue) return;
    this.#isCheckDue = true;
    const { deadlines, host } = this.#needs;
    deadlines.set(deadlineName, later(host.clock.now(), settleMs), () => this.check());
  }

  /** Puts back what is not there. */
  check(): void {
    this.#isCheckDue = false;
    if (this.#wanted.size === 0) return;
    const { deadlines, putBacks } = this.#needs;
    const present = this.#present();
    const missing = [...this.#wanted.values()].filter((one) => {
      const request = this.#request(one);
      return request === null || !present.some((found) => isSameRequest(found, request));
    });
    const { due, next } = putBacks.divide(missing, ({ text }) => text);
    this.#add(due);
    if (next !== null) deadlines.set(deadlineName, next, () => this.check());
  }

  /** Ends the subscription. */
  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  /** Once there was something to look after it stays: what an old plan had still goes away in peace. */
  #subscribe(): void {
    this.#unsubscribe ??= this.#needs.host.routes.subscribeFib((event) => {
      const isOurs =
        (event.kind === "route" && event.isGone && event.route.protocol === fibProtocol) ||
        (event.kind === "rule" && event.isGone) ||
        event.kind === "overrun";
      if (isOurs) this.checkSoon();
    });
  }

  #add(wanted: readonly Wanted[]): void {
    const { host, ownership, putBacks } = this.#needs;
    const placed = wanted.flatMap((one) => {
      const request = this.#request(one);
      if (request !== null) return [{ text: one.text, request }];
      this.#complain(`${one.text} cannot be added: its interface does not exist`);
      return [];
    });
    if (placed.length === 0) return;
    ownership.announce(placed.flatMap(({ request }) => notesOf(request)));
    const outcomes = host.routes.apply(placed.map(({ request }) => fibChange("add", request)));
    const done = placed.filter((_, index) => outcomes[index] === "done");
    ownership.settle(done.flatMap(({ request }) => notesOf(request)));
    for (const { text, request } of done) {
      if (this.#seen.has(text)) putBacks.count(text, text);
      this.#seen.set(text, request);
    }
    for (const [index, { text, request }] of placed.entries()) {
      const outcome = outcomes[index];
      if (outcome instanceof Error) this.#complain(`${text} cannot be added: ${errorText(outcome)}`);
      else if (outcome === "idle") this.#acknowledge(text, request);
    }
  }

  /** Something of the kind was there: ours, or somebody else's that leaves no room for ours. */
  #acknowledge(text: string, request: FibRequest): void {
    const { ownership } = this.#needs;
    const isOurs = this.#present().some((found) => {
      return (
        isSameRequest(found, request) &&
        (this.#isTagged(found) || notesOf(found).some((note) => ownership.has(note)))
      );
    });
    if (isOurs) this.#seen.set(text, request);
    else this.#complain(`${text} cannot be added: there is another already, which is not ours`);
  }

  #remove(requests: readonly FibRequest[]): void {
    if (requests.length === 0) return;
    const { host, log, ownership } = this.#needs;
    const outcomes = host.routes.apply(requests.map((request) => fibChange("remove", request)));
    for (const [index, request] of requests.entries()) {
      const outcome = outcomes[index];
      if (outcome instanceof Error)
        log.error(`${foundText(request)} cannot be removed: ${errorText(outcome)}`);
    }
    ownership.forget(requests.flatMap(notesOf));
  }

  /** Gives our routes, and everybody's rules. */
  #present(): readonly FibRequest[] {
    const { routes } = this.#needs.host;
    return [
      ...routes.rules().map((rule) => ({ kind: "rule", rule }) as const),
      ...routes.taggedRoutes(fibProtocol).map((route) => ({ kind: "route", route }) as const),
    ];
  }

  #isLeftover(found: FibRequest): boolean {
    if (this.#isTagged(found)) return true;
    const { inherited } = this.#needs.ownership;
    // A tag of another's is a tag.
    return found.kind === "rule" && found.rule.protocol === 0 && inherited.has(ruleNote(found.rule));
  }

  #isTagged(found: FibRequest): boolean {
    return found.kind === "route" || found.rule.protocol === fibProtocol;
  }

  /** Gives what the kernel is asked for; null while an interface is missing. */
  #request(one: Wanted): FibRequest | null {
    if (one.kind === "rule") {
      const { action } = one.plan;
      return ruleRequest(one.plan, action.kind === "table" ? this.#table(action.table) : 0);
    }
    const { interface: name, table } = one.plan;
    const link = name === null ? null : this.#needs.interfaces.linkNamed(name);
    return name !== null && link === null
      ? null
      : routeRequest(one.plan, link?.index ?? 0, this.#table(table));
  }

  #table(table: number | string): number {
    return typeof table === "number" ? table : (this.#tables.get(table) ?? 0);
  }

  #complain(text: string): void {
    const { complaints, host, log } = this.#needs;
    if (complaints.isDue(text, host.clock.now())) log.warning(text);
  }
}

function wantedOf({ routes, rules }: HeldFib): readonly Wanted[] {
  return [
    ...routes.map((plan) => ({ kind: "route", text: routeText(plan), plan }) as const),
    ...rules.map((plan) => ({ kind: "rule", text: ruleText(plan), plan }) as const),
  ];
}
