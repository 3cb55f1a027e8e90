import type { z } from "zod";

/** The keys of a table, each with the schema of its value. */
export type Keys<Entry> = { readonly [Key in keyof Entry]: z.ZodType<Entry[Key]> };

/** A key that another one of the same table excludes. */
export interface Conflict {
  readonly key: string;
  readonly complaint: string;
}
