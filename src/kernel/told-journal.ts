import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { Journal } from "./journal.ts";

/** A journal, or what stands for one in a test. */
export type Notebook = Pick<Journal, "entries" | "note">;

/** Notes what is this node's; gives why that cannot be written, or null. The next note tries to write it again. */
export function tryNote(journal: Notebook, entries: ReadonlySet<string>): string | null {
  try {
    journal.note(entries);
    return null;
  } catch (error) {
    return errorText(error);
  }
}

/** How the log speaks of a journal. */
export interface JournalWords {
  /** Such as `the journal of addresses`. */
  readonly name: string;
  /** What comes of it when it cannot be written. */
  readonly risk: string;
}

/**
 * A journal that never holds up what is noted in it: services go before what a crash may leave behind. That it cannot be
 * written is said once, as hundreds of things may be noted and a full disk stays full, and so is that it can be again.
 */
export class ToldJournal {
  readonly #journal: Notebook;
  readonly #log: Log;
  readonly #words: JournalWords;
  /** Why it could not be written the last time, or null. */
  #problem: string | null = null;

  constructor(journal: Notebook, log: Log, words: JournalWords) {
    this.#journal = journal;
    this.#log = log;
    this.#words = words;
  }

  /** What is this node's. */
  get entries(): ReadonlySet<string> {
    return this.#journal.entries;
  }

  /** Notes what is this node's from now on. */
  note(entries: ReadonlySet<string>): void {
    const before = this.#problem;
    this.#problem = tryNote(this.#journal, entries);
    if (this.#problem === before) return;
    const { name, risk } = this.#words;
    if (this.#problem === null) this.#log.notice(`${name} can be written again`);
    else this.#log.warning(`${name} cannot be written, ${risk}: ${this.#problem}`);
  }
}
