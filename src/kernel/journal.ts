import { readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../base/replace-file.ts";

/** Gives where journals are unless the environment says otherwise. */
export function stateDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment["EDGE_HA_STATE_DIRECTORY"] ?? "/var/lib/edge-ha";
}

/** Who keeps a journal, or what of. */
export type JournalOwner = "director" | "settings" | "sync-daemons" | "vrrp";

/** The journal as it stands in its file. */
interface JournalText {
  /** The kernel's boot: its tables do not outlive it, so neither does the claim. */
  readonly boot: string;
  readonly entries: readonly string[];
}

/**
 * Remembers what in the kernel is this node's where the kernel itself keeps no tag, so that a process that comes after
 * this one adopts or removes it and leaves everybody else's alone. An entry is noted before its thing is made, and
 * forgotten after it is removed; its text is the owner's affair.
 */
export class Journal {
  readonly #path: string;
  readonly #boot: string;
  #entries: ReadonlySet<string>;
  /** Whether the file says so, too: not where it could not be written. */
  #isStored = true;

  private constructor(path: string, boot: string) {
    this.#path = path;
    this.#boot = boot;
    this.#entries = readEntries(path, boot);
  }

  /** Reads one owner's journal of this network namespace, whose tables it is about, from the state directory. */
  static open(directory: string, owner: JournalOwner): Journal {
    const namespace = readlinkSync("/proc/self/ns/net").replaceAll(/\D/g, "");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return new Journal(join(directory, `${owner}-${namespace}.json`), boot);
  }

  /** What is this node's. */
  get entries(): ReadonlySet<string> {
    return this.#entries;
  }

  /**
   * Notes what is this node's from now on; writes nothing if the file says the same already. Throws what the file system
   * throws: what was noted holds for this process all the same, and the next call tries to write it again.
   */
  note(entries: ReadonlySet<string>): void {
    const isSame = entries.size === this.#entries.size && entries.isSubsetOf(this.#entries);
    if (isSame && this.#isStored) return;
    this.#entries = new Set(entries);
    this.#isStored = false;
    this.#store();
    this.#isStored = true;
  }

  #store(): void {
    if (this.#entries.size === 0) return rmSync(this.#path, { force: true });
    const text: JournalText = { boot: this.#boot, entries: [...this.#entries] };
    replaceFile(this.#path, `${JSON.stringify(text)}\n`);
  }
}

/** Gives what a journal of this network namespace says is edge-ha's own, for those who only look. */
export function ownEntries(owner: JournalOwner): ReadonlySet<string> {
  try {
    return Journal.open(stateDirectory(process.env), owner).entries;
  } catch {
    // Without /proc nothing is known to be ours.
    return new Set();
  }
}

function readEntries(path: string, boot: string): ReadonlySet<string> {
  try {
    const text = JSON.parse(readFileSync(path, "utf8")) as JournalText;
    return new Set(text.boot === boot ? text.entries.filter((entry) => typeof entry === "string") : []);
  } catch {
    // No journal, or one that someone damaged: nothing is this node's until it is wanted again.
    return new Set();
  }
}
