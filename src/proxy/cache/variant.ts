import type { FieldValue } from "./freshness.ts";

/** What tells answers for one URL apart. */
export interface Variant {
  /** The upstream, and what it is asked for if that is not what the client wrote. */
  readonly upstream: string;
  /** What the request had in the fields that Vary names. */
  readonly selecting: readonly (readonly [name: string, value: string | null])[];
}

/** Gives what a request has in the fields that Vary names, as variants keep it. */
export function selectingFields(names: readonly string[], request: FieldValue): Variant["selecting"] {
  return names.map((name) => [name, canonical(name, request(name))]);
}

/** RFC 9111 §4.1: every field that Vary names is as it was, or means the same. */
export function isSelected(selecting: Variant["selecting"], request: FieldValue): boolean {
  return selecting.every(([name, value]) => {
    const now = request(name);
    return now === value || canonical(name, now) === value;
  });
}

/**
 * Writes what means the same alike, where that is known (RFC 9111 §4.1): clients name the same codings in any order, with
 * spaces or without, and each way of writing them would keep an answer of its own.
 */
function canonical(name: string, value: string | null): string | null {
  if (name !== "accept-encoding" || value === null) return value;
  const codings = value
    .toLowerCase()
    .replaceAll(/[ \t]/g, "")
    .split(",")
    .map((coding) => coding.replace(/;q=1(?:\.0{0,3})?$/, ""));
  return [...new Set(codings)]
    .filter((coding) => coding !== "")
    .sort()
    .join(",");
}

/** Tells whether one would be found by the request of the other. */
export function isSameVariant(one: Variant, other: Variant): boolean {
  const values = new Map(other.selecting);
  return one.upstream === other.upstream && isSelected(one.selecting, (name) => values.get(name) ?? null);
}
