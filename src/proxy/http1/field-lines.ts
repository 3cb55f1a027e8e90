import type { FieldTable } from "./field-table.ts";

/** A field line that is kept beyond its head: name as sent, and value. */
export type FieldLine = readonly [name: string, value: string];

/** Takes out of a head the lines whose name, in lower case, passes. */
export function fieldLines(fields: FieldTable, passes: (name: string) => boolean): readonly FieldLine[] {
  const lines: FieldLine[] = [];
  for (let index = 0; index < fields.count; index++) {
    const name = fields.name(index);
    if (passes(name.toLowerCase())) lines.push([name, fields.value(index)]);
  }
  return lines;
}

/** Writes lines as they stand in a head. */
export function writtenLines(lines: readonly FieldLine[]): string {
  return lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}
