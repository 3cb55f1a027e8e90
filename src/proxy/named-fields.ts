import type { FieldTable } from "./http1/field-table.ts";

/** Names of fields, made ready to be looked for in heads without making a text of the name of each field there. */
export class NamedFields {
  /** A bit for each length that there is: most fields have another one. */
  private lengths = 0;
  private readonly names: readonly string[];

  constructor(names: ReadonlySet<string>) {
    this.names = [...names];
    for (const { length } of names) this.lengths |= bit(length);
  }

  has(fields: FieldTable, index: number): boolean {
    const length = fields.nameLength(index);
    if ((this.lengths & bit(length)) === 0) return false;
    for (const name of this.names) if (name.length === length && fields.isNamed(index, name)) return true;
    return false;
  }
}

function bit(length: number): number {
  return 1 << Math.min(length, 31);
}

const ready = new WeakMap<ReadonlySet<string>, NamedFields>();

/** Gives a set of names in lower case, which never changes, ready to be looked for; null is none. */
export function namedFields(names: ReadonlySet<string> | null): NamedFields | null {
  if (names === null) return null;
  let made = ready.get(names);
  if (made === undefined) {
    made = new NamedFields(names);
    ready.set(names, made);
  }
  return made;
}
