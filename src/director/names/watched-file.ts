import { readFileSync, statSync } from "node:fs";

/** A file that is read again once it is another one; one that is not there is empty. */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #read: (text: string) => T;
  #mark: string | null = null;
  #value: T;

  constructor(path: string, read: (text: string) => T) {
    this.#path = path;
    this.#read = read;
    this.#value = read("");
  }

  /** What stands in it now. */
  get value(): T {
    const mark = this.#markNow();
    if (mark === this.#mark) return this.#value;
    this.#mark = mark;
    this.#value = this.#read(mark === "" ? "" : this.#text());
    return this.#value;
  }

  #markNow(): string {
    const found = statSync(this.#path, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? "" : `${found.ino} ${found.size} ${found.mtimeNs}`;
  }

  #text(): string {
    try {
      return readFileSync(this.#path, "utf8");
    } catch {
      return "";
    }
  }
}
