import type { z } from "zod";
import { TomlChunks } from "./toml-chunks.ts";

/**
 * Remembers what the tables of the last file came to, by what is in them: a reload mostly changes few of many, and
 * reading 2,300 services anew takes longer than all else. Only tables without a fault are kept.
 */
export class SectionMemory {
  /** The last file as it stood. */
  readonly chunks: TomlChunks = new TomlChunks();
  #before = new Map<z.ZodType, Map<string, unknown>>();
  #now = new Map<z.ZodType, Map<string, unknown>>();

  /** Begins another file; what the last one did not have is forgotten. */
  begin(): void {
    this.#before = this.chunks.isAnew ? new Map() : this.#now;
    this.#now = new Map();
  }

  /** Gives what a table with this content came to, or null. */
  recall<T>(schema: z.ZodType<T>, content: string): T | null {
    const found = this.#now.get(schema)?.get(content) ?? this.#before.get(schema)?.get(content);
    if (found === undefined) return null;
    this.keep(schema, content, found as T);
    // Kept under the schema it came from.
    return found as T;
  }

  /** Keeps what a table came to. */
  keep<T>(schema: z.ZodType<T>, content: string, value: T): void {
    let kept = this.#now.get(schema);
    if (kept === undefined) this.#now.set(schema, (kept = new Map()));
    kept.set(content, value);
  }
}
