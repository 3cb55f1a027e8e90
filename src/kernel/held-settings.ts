import { hasCode, errorText } from "../base/system-error.ts";
import { type Notebook, tryNote } from "./told-journal.ts";

/** A setting of the kernel's, read and written by its path. */
export interface SettingsPort {
  read(path: string): string;
  write(path: string, value: string): void;
}

/** What a setting has to be. */
export interface HeldSetting {
  readonly path: string;
  readonly value: string;
  /** It is changed only if the kernel has it, with this value; null changes every other one. */
  readonly onlyFrom: string | null;
}

/** What is remembered of a setting that was changed. */
export interface HeldNote {
  readonly path: string;
  readonly before: string;
  readonly ours: string;
}

/** What came of it: changes in words, and what could not be done. */
export interface HeldOutcome {
  readonly changes: readonly string[];
  readonly problems: readonly string[];
}

/** Writing the first changes the second by the way, which is not asked for. */
const besides: ReadonlyMap<string, string> = new Map([
  ["net/ipv4/ip_forward", "net/ipv4/conf/all/accept_redirects"],
]);

/**
 * Kernel settings that are changed for as long as they are needed. What they were is in a journal before they are changed,
 * so that whoever comes after a crash puts them back. A setting that was right already is not ours; one that somebody
 * else has changed meanwhile is set again while it is needed, and left as it is afterwards.
 */
export class HeldSettings {
  readonly #port: SettingsPort;
  readonly #journal: Notebook;

  constructor(port: SettingsPort, journal: Notebook) {
    this.#port = port;
    this.#journal = journal;
  }

  /** Gives what was changed, by its path: the value that was set, and the one before. */
  get held(): readonly HeldNote[] {
    return this.#notes();
  }

  /** Brings about what is wanted, in this order, and puts back what no longer is, in the reverse. */
  hold(wanted: readonly HeldSetting[]): HeldOutcome {
    const changes: string[] = [];
    const problems: string[] = [];
    const attempt = (path: string, act: () => string | null): void => {
      try {
        const change = act();
        if (change !== null) changes.push(change);
      } catch (error) {
        problems.push(`${settingName(path)}: ${errorText(error)}`);
      }
    };
    const paths = new Set(wanted.map(({ path }) => path));
    for (const note of this.#notes().toReversed()) {
      if (!paths.has(note.path)) attempt(note.path, () => this.#putBack(note));
    }
    for (const setting of wanted) attempt(setting.path, () => this.#set(setting));
    // Services go before what is left of a crash: what could not be noted is done all the same, and noted when that works.
    const unnoted = tryNote(this.#journal, this.#journal.entries);
    if (unnoted !== null)
      problems.push(`what settings were cannot be noted, a crash would leave them: ${unnoted}`);
    return { changes, problems };
  }

  #set({ path, value, onlyFrom }: HeldSetting): string | null {
    const current = onlyFrom === null ? this.#read(path) : this.#readIfThere(path);
    if (current === null || current === value) return null;
    const known = this.#notes().find((note) => note.path === path);
    if (onlyFrom !== null && current !== onlyFrom && current !== known?.ours) return null;
    // What somebody else has written is what he wants to find afterwards.
    const before = known !== undefined && current === known.ours ? known.before : current;
    // Noted before it is changed, and forgotten after it is put back, so that a crash in between loses nothing.
    if (before !== value) this.#remember(path, { path, before, ours: value });
    this.#write(path, value);
    if (before === value) this.#remember(path, null);
    return `${settingName(path)} is ${value}, was ${current}`;
  }

  #putBack(note: HeldNote): string | null {
    const { path, before, ours } = note;
    try {
      if (this.#read(path) !== ours) {
        this.#remember(path, null);
        return null;
      }
      this.#write(path, before);
    } catch (error) {
      // An interface that has gone, with its settings.
      if (!hasCode(error, "ENOENT")) throw error;
    }
    this.#remember(path, null);
    return `${settingName(path)} is ${before} again`;
  }

  /** The kernel writes tabs where people write blanks. */
  #read(path: string): string {
    return this.#port.read(path).trim().replaceAll(/\s+/g, " ");
  }

  #readIfThere(path: string): string | null {
    try {
      return this.#read(path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      return null;
    }
  }

  #write(path: string, value: string): void {
    const beside = besides.get(path);
    const before = beside === undefined ? "" : this.#read(beside);
    this.#port.write(path, value);
    if (beside !== undefined && this.#read(beside) !== before) this.#port.write(beside, before);
  }

  #remember(path: string, note: HeldNote | null): void {
    const others = this.#notes().filter((one) => one.path !== path);
    const notes = note === null ? others : [...others, note];
    const entries = notes.map(({ path: at, before, ours }) => JSON.stringify([at, before, ours]));
    // Whether it could be noted is told at the end.
    tryNote(this.#journal, new Set(entries));
  }

  #notes(): readonly HeldNote[] {
    return [...this.#journal.entries].flatMap(readNote);
  }
}

/** Names a setting as sysctl(8) does. */
export function settingName(path: string): string {
  return path.startsWith("ipvs/") ? `IPVS timeout ${path.slice(5)}` : path.replaceAll("/", ".");
}

function readNote(entry: string): readonly HeldNote[] {
  try {
    const [path, before, ours] = JSON.parse(entry) as readonly unknown[];
    if (typeof path !== "string" || typeof before !== "string" || typeof ours !== "string") return [];
    return [{ path, before, ours }];
  } catch {
    return [];
  }
}
