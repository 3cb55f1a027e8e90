import type { Log } from "../base/log.ts";
import { ToldJournal } from "../kernel/told-journal.ts";
import type { Host } from "./host.ts";

/**
 * Knows what in the kernel is ours where its tags do not say so: what this process has added or adopted, and what an
 * earlier one noted in the journal. Kernels that keep tags need no journal, and none is written then.
 */
export class Ownership {
  readonly #journal: ToldJournal;
  readonly #keepsTags: boolean;
  readonly #owned = new Set<string>();
  readonly #inherited: Set<string>;

  constructor(needs: {
    readonly journal: Host["journal"];
    readonly log: Log;
    /** Whether the kernel is known to keep the tags of addresses and rules. */
    readonly keepsTags: boolean;
  }) {
    const words = { name: "the journal of addresses", risk: "a crash may leave some behind" };
    this.#journal = new ToldJournal(needs.journal, needs.log, words);
    this.#keepsTags = needs.keepsTags;
    this.#inherited = new Set(needs.journal.entries);
  }

  /** Tells whether this process added or adopted it. */
  has(key: string): boolean {
    return this.#owned.has(key);
  }

  /** Tells whether this process added or adopted anything whose key begins so. */
  hasAny(prefix: string): boolean {
    for (const key of this.#owned) if (key.startsWith(prefix)) return true;
    return false;
  }

  /** Tells whether an earlier process noted it, and this one has not decided about it yet. */
  isInherited(key: string): boolean {
    return this.#inherited.has(key);
  }

  /** Gives what an earlier process noted and this one has not adopted. */
  get inherited(): ReadonlySet<string> {
    return this.#inherited;
  }

  /** Notes what is about to be added: after a crash in between it is found. */
  announce(keys: readonly string[]): void {
    if (!this.#keepsTags && keys.length > 0) this.#journal.note(this.#noted().union(new Set(keys)));
  }

  /** Takes note of what was added or adopted; what was announced and is not among it is forgotten. */
  settle(keys: readonly string[]): void {
    for (const key of keys) {
      this.#owned.add(key);
      this.#inherited.delete(key);
    }
    this.#journal.note(this.#noted());
  }

  /** Takes note of what was removed. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.#owned.delete(key);
      this.#inherited.delete(key);
    }
    this.#journal.note(this.#noted());
  }

  #noted(): ReadonlySet<string> {
    return this.#keepsTags ? this.#inherited : this.#owned.union(this.#inherited);
  }
}
