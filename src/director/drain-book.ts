import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../base/replace-file.ts";
import type { Drain } from "./drains.ts";

/**
 * Remembers in a file which servers the operator has taken out: a reload, a restart and a boot change nothing about that.
 * Each network namespace has its own, as it has its own table.
 */
export class DrainBook {
  readonly #path: string;
  #drains: readonly Drain[];

  private constructor(path: string) {
    this.#path = path;
    this.#drains = readDrains(path);
  }

  /** Reads the book of this network namespace from the state directory. */
  static open(directory: string): DrainBook {
    return new DrainBook(join(directory, `drains${namespaceSuffix()}.json`));
  }

  get drains(): readonly Drain[] {
    return this.#drains;
  }

  /** Notes what is taken out from now on; throws if that cannot be written. */
  note(drains: readonly Drain[]): void {
    replaceFile(this.#path, `${JSON.stringify(drains)}\n`);
    this.#drains = drains;
  }
}

/** The host's own namespace has no number in the name: it may have another one after the next boot. */
function namespaceSuffix(): string {
  const own = readlinkSync("/proc/self/ns/net");
  try {
    if (readlinkSync("/proc/1/ns/net") === own) return "";
  } catch {
    // Whoever may not look at the first process still has a namespace.
  }
  return `-${own.replaceAll(/\D/g, "")}`;
}

function readDrains(path: string): readonly Drain[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as readonly Drain[];
  } catch {
    // No book, or one that someone damaged: nothing is taken out.
    return [];
  }
}
