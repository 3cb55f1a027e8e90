import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { CountedService, IpvsService } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { type Notebook, ToldJournal } from "../kernel/told-journal.ts";
import { type Applied, apply, failureOf, tellSteps, type IpvsChanges } from "./apply.ts";
import { batchLength } from "./filling.ts";
import { planSteps, type Step } from "./plan.ts";
import { openRefusal } from "./refusal.ts";

/** The kernel's table as the director uses it. */
export interface IpvsTable extends IpvsChanges {
  services(): readonly IpvsService[];
  countedServices(): readonly CountedService[];
  close(): void;
}

/** What the table is kept with. */
export interface OwnServicesOptions {
  readonly log: Log;
  readonly journal: Notebook;
  /** Opens the kernel's table; throws `ENOENT` where the kernel has none. */
  readonly openIpvs: () => IpvsTable;
}

/** The table before a first plan, and what of it an earlier process had left. */
interface Found {
  /** Null if it could not be read. */
  readonly table: readonly IpvsService[] | null;
  readonly owned: ReadonlySet<string>;
}

/** This node's services in the kernel's table, and the journal that says which these are. */
export class OwnServices {
  readonly #options: OwnServicesOptions;
  readonly #journal: ToldJournal;
  #ipvs: IpvsTable | null = null;
  #found: Found | null = null;
  #lastReadFailure: string | null = null;
  /** What others had in the table and a plan names too, as it was, until that plan is in force. */
  readonly #taken = new Map<string, IpvsService>();

  constructor(options: OwnServicesOptions) {
    this.#options = options;
    const [name, risk] = ["the journal of IPVS services", "a restart after a crash will not know them"];
    this.#journal = new ToldJournal(options.journal, options.log, { name, risk });
  }

  get isOpen(): boolean {
    return this.#ipvs !== null;
  }

  /** What is this node's, as `formatKey` writes it. */
  get owned(): ReadonlySet<string> {
    return this.#journal.entries;
  }

  /** Opens the table unless that is done; the result says why that cannot be. */
  open(): string | null {
    if (this.#ipvs !== null) return null;
    try {
      this.#ipvs = this.#options.openIpvs();
      return null;
    } catch (error) {
      return openRefusal(error);
    }
  }

  close(): void {
    this.#ipvs?.close();
    this.#ipvs = null;
  }

  /** Reads the table, also what is not this node's; after a failure the connection is made anew at the next look. */
  services(): readonly IpvsService[] {
    return this.#read((ipvs) => ipvs.services());
  }

  countedServices(): readonly CountedService[] {
    return this.#read((ipvs) => ipvs.countedServices());
  }

  /**
   * Gives the steps that lead to what is desired, and notes that as this node's before anything is done. What an attempt before
   * has taken from others, and is not desired now, becomes theirs again.
   */
  steps(desired: readonly IpvsService[], actual: readonly IpvsService[]): readonly Step[] {
    const wanted = keysOf(desired);
    const owned = this.owned.union(wanted);
    for (const service of actual) {
      const key = formatKey(service.key);
      if (wanted.has(key) && !this.owned.has(key)) this.#taken.set(key, service);
    }
    const givenBack = [...this.#taken].flatMap(([key, service]) => (wanted.has(key) ? [] : [service]));
    this.#journal.note(owned);
    return planSteps([...desired, ...givenBack], actual, owned);
  }

  apply(steps: readonly Step[]): Applied {
    return this.#ipvs === null ? { done: [], refused: null } : apply(this.#ipvs, steps);
  }

  /** Carries out steps in batches until the time is over, but one of them in any case; gives what became of each batch. */
  applyUntil(isOver: () => boolean, steps: readonly Step[]): readonly Applied[] {
    const batches: Applied[] = [];
    for (let start = 0; start < steps.length; start += batchLength) {
      batches.push(this.apply(steps.slice(start, start + batchLength)));
      if (isOver()) break;
    }
    return batches;
  }

  /** Notes what is this node's from now on, as everything desired is there. */
  note(keys: ReadonlySet<string>): void {
    this.#taken.clear();
    this.#journal.note(keys);
  }

  /** Remembers the table as it was just read before a first plan, or that it could not be; with null it forgets that. */
  noteFound(table: readonly IpvsService[] | null): void {
    this.#found = table === null ? null : { table: this.isOpen ? table : null, owned: this.owned };
  }

  /** Reads and remembers the same if that has not been done so far, and anything is this node's. */
  find(): void {
    if ((this.#found?.table ?? null) !== null || this.owned.size === 0) return;
    this.open();
    this.noteFound(this.services());
  }

  /** How many services of an earlier process the first plan has found; all there may be where the table was not to be read. */
  get foundCount(): number {
    if (this.#found === null) return 0;
    const { table, owned } = this.#found;
    if (table === null) return this.owned.size;
    return table.filter(({ key }) => owned.has(formatKey(key))).length;
  }

  /**
   * Brings the table back to what the first plan has found, as whoever comes next can do more with that than with an
   * empty one.
   */
  putBack(): void {
    const { owned, table } = this.#found ?? { owned: this.owned, table: null };
    // Nothing was changed in a table that could not be read.
    if (table === null) return;
    const actual = this.services();
    const applied = this.apply(planSteps(table, actual, this.owned));
    tellSteps(this.#options.log, applied.done);
    const failure = this.isOpen ? failureOf(applied) : "it cannot be read";
    if (failure === null) this.note(owned);
    else this.#options.log.error(`the IPVS table is not as it was found: ${failure}`);
  }

  #read<Service extends IpvsService>(read: (ipvs: IpvsTable) => readonly Service[]): readonly Service[] {
    if (this.#ipvs === null) return [];
    try {
      const services = read(this.#ipvs);
      this.#lastReadFailure = null;
      return services;
    } catch (error) {
      const failure = errorText(error);
      if (failure !== this.#lastReadFailure)
        this.#options.log.error(`the IPVS table cannot be read: ${failure}`);
      this.#lastReadFailure = failure;
      this.close();
      return [];
    }
  }
}

/** Gives what services are remembered by. */
export function keysOf(services: readonly IpvsService[]): ReadonlySet<string> {
  return new Set(services.map(({ key }) => formatKey(key)));
}
