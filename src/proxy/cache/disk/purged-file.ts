import { appendFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hasCode } from "../../../base/system-error.ts";
import type { PurgeMarks } from "../purge-marks.ts";

const purgeSchema = z.tuple([z.number(), z.string()]);

/**
 * What was purged in a cache on disk, for processes that start later: until its files are gone nobody may find them. Every process
 * adds a line, so that none has to be alive for another.
 */
export class PurgedFile {
  private readonly path: string;
  private readonly marks: PurgeMarks;

  constructor(folder: string, marks: PurgeMarks) {
    this.path = join(folder, "purged");
    this.marks = marks;
  }

  /** Reads what was purged; throws what the file system throws. */
  async load(): Promise<void> {
    const text = await this.text();
    const [unix, now] = [Date.now(), performance.now()];
    for (const line of text.split("\n")) {
      const purge = purgeOf(line);
      if (purge !== null) this.marks.addPattern(purge[1], now - (unix - purge[0]));
    }
  }

  /** Adds a pattern that is purged now. */
  async add(pattern: string): Promise<void> {
    await appendFile(this.path, `${JSON.stringify([Date.now(), pattern])}\n`, { mode: 0o600 });
  }

  /** Forgets all: their files are gone. */
  async clear(): Promise<void> {
    await rm(this.path, { force: true });
  }

  private async text(): Promise<string> {
    try {
      return await readFile(this.path, "utf8");
    } catch (error) {
      if (hasCode(error, "ENOENT", "ENOTDIR")) return "";
      throw error;
    }
  }
}

/** Null for a line that broke off. */
function purgeOf(line: string): readonly [number, string] | null {
  try {
    return purgeSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
