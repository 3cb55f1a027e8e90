import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The journal as it stands in its file. */
interface JournalText {
  /** The kernel's boot: its table does not outlive it, so neither does the claim. */
  readonly boot: string;
  /** Keys as `formatKey` writes them. */
  readonly services: readonly string[];
}

/**
 * Remembers which services of the kernel's table are this node's, so that a process that comes after this one adopts
 * them and leaves everybody else's alone. A service is noted before it is made and forgotten after it is removed.
 */
export class Journal {
  readonly #path: string;
  readonly #boot: string;
  #services: ReadonlySet<string>;

  private constructor(path: string, boot: string) {
    this.#path = path;
    this.#boot = boot;
    this.#services = readServices(path, boot);
  }

  /** Reads the journal of this network namespace, whose table it is about, from the state directory. */
  static open(directory: string): Journal {
    const namespace = readlinkSync("/proc/self/ns/net").replaceAll(/\D/g, "");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return new Journal(join(directory, `director-${namespace}.json`), boot);
  }

  /** Keys of the services that are this node's. */
  get services(): ReadonlySet<string> {
    return this.#services;
  }

  /** Notes the services that are this node's from now on; writes nothing if they are the same as before. */
  note(services: ReadonlySet<string>): void {
    if (services.size === this.#services.size && services.isSubsetOf(this.#services)) return;
    this.#services = new Set(services);
    if (services.size === 0) {
      rmSync(this.#path, { force: true });
      return;
    }
    const text: JournalText = { boot: this.#boot, services: [...services] };
    mkdirSync(dirname(this.#path), { recursive: true });
    // Written beside and moved over: a crash leaves the old journal or the new one, never half of one.
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(text)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function readServices(path: string, boot: string): ReadonlySet<string> {
  try {
    const text = JSON.parse(readFileSync(path, "utf8")) as JournalText;
    return new Set(text.boot === boot ? text.services : []);
  } catch {
    // No journal, or one that someone damaged: nothing is this node's until it is wanted again.
    return new Set();
  }
}
