import { PlainReader } from "./toml-plain.ts";

/**
 * Reads tables of a file that have the keys that one of the same name before them had, in its order. PURE but for its memory.
 * It declines whatever is written otherwise, and wrong. A first load of 2,277 services is scanned so in half the time, see
 * docs/decisions/what-a-first-load-waits-for.md.
 */

/** So many orders of keys are kept for each name. */
const mostOrders = 4;
const header = /\[\[([A-Za-z0-9_-]+)\]\]\n/y;
const [lineFeed, bracket] = [0x0a, 0x5b];

/** What was read, and where it ends: before the next header, or with the file. */
export interface AlikeSection {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly end: number;
}

/** A key, and how a line with it begins. */
interface Line {
  readonly key: string;
  readonly lead: string;
}

/** The tables of a file. */
export class AlikeSections {
  readonly #in: PlainReader;
  readonly #orders = new Map<string, (readonly Line[])[]>();

  constructor(text: string) {
    this.#in = new PlainReader(text);
  }

  /** Reads the table whose header stands at an offset; null if it is like none that was learned. */
  read(at: number): AlikeSection | null {
    header.lastIndex = at;
    const name = header.exec(this.#in.text)?.[1];
    if (name === undefined) return null;
    for (const lines of this.#orders.get(name) ?? []) {
      this.#in.at = at + name.length + "[[]]\n".length;
      const value = this.#lines(lines);
      if (value !== null) return { name, value, end: this.#in.at };
    }
    return null;
  }

  /** Takes the keys of a table that was read letter by letter, in the order of the file. */
  learn(name: string, keys: Iterable<string>): void {
    const orders = this.#orders.get(name) ?? [];
    this.#orders.set(name, orders);
    if (orders.length < mostOrders) orders.push([...keys].map((key) => ({ key, lead: `${key} = ` })));
  }

  #lines(lines: readonly Line[]): Readonly<Record<string, unknown>> | null {
    const { text } = this.#in;
    const table: Record<string, unknown> = {};
    for (const { key, lead } of lines) {
      if (!text.startsWith(lead, this.#in.at)) return null;
      this.#in.at += lead.length;
      const value = this.#in.value(key);
      if (value === undefined || text.charCodeAt(this.#in.at) !== lineFeed) return null;
      while (text.charCodeAt(this.#in.at) === lineFeed) this.#in.at += 1;
      table[key] = value;
    }
    return this.#in.at === text.length || text.charCodeAt(this.#in.at) === bracket ? table : null;
  }
}
