import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { Host } from "./host.ts";

/**
 * Knows what in the kernel is ours where its tags do not say so: what this process has added or adopted, and what an
 * earlier one noted in the journal. Kernels that keep tags need no journal, and none is written then.
 */
export class Ownership {
  readonly #journal: Host["journal"];
  readonly #log: Log;
  readonly #keepsTags: boolean;
  readonly #owned = new Set<string>();
  readonly #inherited: Set<string>;
  /** Why the journal could not be written the last time, or null. */
  #problem: string | null = null;

  constructor(needs: {
    readonly journal: Host["journal"];
    readonly log: Log;
    /** Whether the kernel is known to keep the tags of addresses and rules. */
    readonly keepsTags: boolean;
  }) {
    this.#journal = needs.journal;
    this.#log = needs.log;
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
    if (!this.#keepsTags && keys.length > 0) this.#note(this.#noted().union(new Set(keys)));
  }

  /** Takes note of what was added or adopted; what was announced and is not among it is forgotten. */
  settle(keys: readonly string[]): void {
    for (const key of keys) {
      this.#owned.add(key);
      this.#inherited.delete(key);
    }
    this.#note(this.#noted());
  }

  /** Takes note of what was removed. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.#owned.delete(key);
      this.#inherited.delete(key);
    }
    this.#note(this.#noted());
  }

  #noted(): ReadonlySet<string> {
    return this.#keepsTags ? this.#inherited : this.#owned.union(this.#inherited);
  }

  #note(keys: ReadonlySet<string>): void {
    const before = this.#problem;
    try {
      this.#journal.note(keys);
      this.#problem = null;
    } catch (error) {
      this.#problem = errorText(error);
    }
    if (this.#problem === before) return;
    // Hundreds of routers may become active at once, and a full disk stays full.
    if (this.#problem === null) return this.#log.notice("the journal of addresses can be written again");
    const what = "the journal of addresses cannot be written, a crash may leave some behind";
    this.#log.warning(`${what}: ${this.#problem}`);
  }
}
