import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Log } from "../base/log.ts";
import { replaceFile } from "../base/replace-file.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { Drain } from "./drains.ts";

/**
 * Remembers in a file which servers the operator has taken out: a reload, a restart and a boot change nothing about that.
 * Each network namespace has its own, as it has its own table.
 */
export class DrainBook {
  readonly #path: string;
  #drains: readonly Drain[];

  private constructor(path: string, log: Log) {
    this.#path = path;
    this.#drains = readDrains(path, log);
  }

  /** Reads the book of this network namespace from the state directory; one that makes no sense is told of. */
  static open(directory: string, log: Log): DrainBook {
    return new DrainBook(join(directory, `drains${namespaceSuffix()}.json`), log);
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

/** Without a time that passes, connections would be cut off at once. */
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)));

const form = z.array(
  z.object({
    service: z.string(),
    address: z.string(),
    port: z.number().nullable(),
    since: time,
    until: time,
    state: z.enum(["draining", "drained"]),
    cut: z.number(),
  }),
);

function readDrains(path: string, log: Log): readonly Drain[] {
  try {
    return form.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    // Where nobody was ever taken out there is no book.
    if (hasCode(error, "ENOENT")) return [];
    const why = error instanceof z.ZodError ? "it is no list of drains" : errorText(error);
    log.error(`${path} cannot be read (${why}): what was drained gets connections; drain it again`);
    return [];
  }
}
