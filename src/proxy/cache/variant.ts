import type { FieldValue } from "./freshness.ts";

/** What tells answers for one URL apart. */
export interface Variant {
  /** The upstream, and what it is asked for if that is not what the client wrote. */
  readonly upstream: string;
  /** What the request had in the fields that Vary names. */
  readonly selecting: readonly (readonly [name: string, value: string | null])[];
}

/** RFC 9111 §4.1: every field that Vary names is as it was. */
export function isSelected(selecting: Variant["selecting"], request: FieldValue): boolean {
  return selecting.every(([name, value]) => request(name) === value);
}

/** Tells whether one would be found by the request of the other. */
export function isSameVariant(one: Variant, other: Variant): boolean {
  const values = new Map(other.selecting);
  return one.upstream === other.upstream && isSelected(one.selecting, (name) => values.get(name) ?? null);
}
