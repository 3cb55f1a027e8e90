import type { AdmissionPlan } from "../../config/admission-plan.ts";
import type { SpentNote } from "../../ipc/messages.ts";
import type { CommonCounts } from "../common-counts.ts";
import { basicAuthGate } from "./basic-auth.ts";
import { connectionLimitGate } from "./connection-limit.ts";
import type { Gate } from "./gate.ts";
import { PasswordChecks } from "./password-checks.ts";
import { rateLimitGate } from "./rate-limit.ts";
import { RateTable } from "./rate-table.ts";

/** Others hear this late of turns that were taken: what a client gains by that is small beside what it costs to ask them. */
const gatherMs = 100;
/** A flood from more sources than this within that time is held to its pace by each process alone. */
const mostNotes = 5_000;

/** What this process knows of those who want to be let in; it outlives the plan. */
export class Admission {
  private readonly checks = new PasswordChecks({
    verify: (password, hash) => Bun.password.verify(password, hash),
    now: () => performance.now(),
  });
  private readonly tables = new Map<string, RateTable>();
  private readonly tell: (notes: readonly SpentNote[]) => void;
  private notes = new Map<string, SpentNote>();
  private isShared = false;
  private readonly counts: CommonCounts;

  constructor(tell: (notes: readonly SpentNote[]) => void, counts: CommonCounts) {
    this.tell = tell;
    this.counts = counts;
  }

  /** Sets whether other processes count too. */
  share(isShared: boolean): void {
    this.isShared = isShared;
  }

  /** Makes the gates of a route, the cheapest first; `file` gives what stands in a file. Throws if one is of no use. */
  gates(plan: AdmissionPlan, file: (path: string) => string): readonly Gate[] {
    const { basicAuth, connectionLimit, rateLimit } = plan;
    const gates: Gate[] = [];
    if (rateLimit !== null) {
      const table = this.table(rateLimit.id, rateLimit);
      const spent = (limit: string, key: string): void => this.spent(limit, key);
      gates.push(rateLimitGate(rateLimit, table, { now: () => performance.now(), after: setTimeout, spent }));
    }
    if (connectionLimit !== null) gates.push(connectionLimitGate(connectionLimit, this.counts));
    if (basicAuth !== null) gates.push(basicAuthGate(basicAuth, file(basicAuth.users), this.checks));
    return gates;
  }

  /** Takes what was spent in other processes. */
  heard(notes: readonly SpentNote[]): void {
    const now = performance.now();
    for (const { limit, key, count } of notes) this.tables.get(limit)?.spend(key, count, now);
  }

  /** Forgets the limits that a plan has no more. */
  retain(limits: ReadonlySet<string>): void {
    for (const id of this.tables.keys()) if (!limits.has(id)) this.tables.delete(id);
  }

  private table(id: string, pace: RateTable["pace"]): RateTable {
    const table = this.tables.get(id) ?? new RateTable(pace);
    this.tables.set(id, table);
    table.pace = pace;
    return table;
  }

  private spent(limit: string, key: string): void {
    if (!this.isShared) return;
    const { notes } = this;
    const name = `${limit}\0${key}`;
    const known = notes.get(name);
    if (known === undefined && notes.size >= mostNotes) return;
    notes.set(name, { limit, key, count: (known?.count ?? 0) + 1 });
    if (known !== undefined || notes.size > 1) return;
    setTimeout(() => {
      this.notes = new Map();
      this.tell([...notes.values()]);
    }, gatherMs);
  }
}
