import type { z } from "zod";

/**
 * Shortcuts past zod. A block of the schema (fields.ts) that can tell by itself that a value is right gives a shortcut
 * beside its zod schema, made of the same bounds, words and functions. What a shortcut does not take is in doubt: zod
 * reads it from the beginning, and its results and words hold. A table of 37,000 servers is read so in a tenth of zod's
 * time. PURE. A property test holds the two against each other.
 */

/** What a shortcut gives where zod has to look. */
export const doubt: unique symbol = Symbol("doubt");

/** Reads a value as its schema would, or doubts. */
export type Shortcut<T> = (value: unknown) => T | typeof doubt;

const shortcuts = new WeakMap<z.ZodType, Shortcut<unknown>>();

/**
 * Gives a schema with its shortcut. zod's own is made when zod has to look, or when another is made of it: those of all the
 * tables there are take longer to make than a file of 100 servers takes to be read.
 */
export function late<T>(make: () => z.ZodType<T>, shortcut: Shortcut<T>): z.ZodType<T> {
  let made: z.ZodType<T> | null = null;
  const schema = (): z.ZodType<T> => (made ??= make());
  // Whatever is asked of it is asked of zod's own, be it by zod or by this project.
  const whole = new Proxy(
    {},
    {
      get: (_, name) => Reflect.get(schema(), name),
      has: (_, name) => Reflect.has(schema(), name),
    },
  ) as z.ZodType<T>;
  shortcuts.set(whole, shortcut);
  return whole;
}

/** Notes the shortcut of a schema that is there already. */
export function noteShortcut(schema: z.ZodType, shortcut: Shortcut<unknown>): void {
  shortcuts.set(schema, shortcut);
}

/** Gives the shortcut of a schema; of one that has none that is zod itself, for this part of a table alone. */
export function shortcutOf<T>(schema: z.ZodType<T>): Shortcut<T> {
  // Noted under the schema it came with.
  const known = shortcuts.get(schema) as Shortcut<T> | undefined;
  if (known !== undefined) return known;
  return (value) => {
    const read = schema.safeParse(value);
    return read.success ? read.data : doubt;
  };
}

/** Makes the shortcut of a list of at least so many. */
export function listShortcut<T>(item: z.ZodType<T>, least: number): Shortcut<T[]> {
  const one = shortcutOf(item);
  return (value) => {
    if (!Array.isArray(value) || value.length < least) return doubt;
    const list: T[] = [];
    for (const raw of value as readonly unknown[]) {
      const read = one(raw);
      if (read === doubt) return doubt;
      list.push(read);
    }
    return list;
  };
}

/** How a table is read: what it comes to without any key, and what reads each key that is there. */
interface TableReader {
  readonly empty: Readonly<Record<string, unknown>>;
  readonly fields: ReadonlyMap<string, { readonly read: Shortcut<unknown>; readonly isRequired: boolean }>;
  readonly required: number;
}

/** Makes the shortcut of a table that accepts exactly these keys: few of many are written, so only those are gone through. */
export function tableShortcut(shape: Readonly<Record<string, z.ZodType>>): Shortcut<Record<string, unknown>> {
  let reader: TableReader | null = null;
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date)
      return doubt;
    reader ??= tableReader(shape);
    const table: Record<string, unknown> = { ...reader.empty };
    let required = 0;
    for (const key in value) {
      const field = reader.fields.get(key);
      if (field === undefined) return doubt;
      const read = field.read((value as Readonly<Record<string, unknown>>)[key]);
      if (read === doubt) return doubt;
      table[key] = read;
      if (field.isRequired) required += 1;
    }
    return required === reader.required ? table : doubt;
  };
}

function tableReader(shape: Readonly<Record<string, z.ZodType>>): TableReader {
  const empty: Record<string, unknown> = {};
  const fields = new Map<string, { read: Shortcut<unknown>; isRequired: boolean }>();
  let required = 0;
  for (const [key, schema] of Object.entries(shape)) {
    const read = shortcutOf(schema);
    const absent = read(undefined);
    const isRequired = absent === doubt;
    if (isRequired) required += 1;
    // In the order of the schema, as zod has it.
    if (absent !== undefined) empty[key] = isRequired ? null : absent;
    fields.set(key, { read, isRequired });
  }
  return { empty, fields, required };
}

/** Tells of a fault of a value whose parts are all right: of the part at the path. */
export type Complain = (path: readonly PropertyKey[], complaint: string) => void;

/** Makes of what a schema gives something else; what is complained of is refused, whatever is returned. */
export function derived<Schema extends z.ZodType, Out>(
  schema: Schema,
  derive: (value: z.output<Schema>, complain: Complain) => Out,
): z.ZodPipe<Schema, z.ZodTransform<Awaited<Out>, z.output<Schema>>> {
  const whole = schema.transform((value, context) =>
    derive(value, (path, message) => {
      context.issues.push({ code: "custom", message, path: [...path], input: value });
    }),
  );
  const before = shortcutOf(schema);
  noteShortcut(whole, (input) => {
    const value = before(input);
    if (value === doubt) return doubt;
    let isRefused = false;
    const made = derive(value as z.output<Schema>, () => {
      isRefused = true;
    });
    return isRefused ? doubt : made;
  });
  return whole;
}
