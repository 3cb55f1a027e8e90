type Names = ReadonlySet<string>;

/**
 * Adds names to sets of them that never change, and remembers what that makes of each: what is the same set for all responses of
 * a route is made ready once to be looked for in heads (NamedFields). PURE.
 */
export function withNames(more: readonly string[]): (names: Names | null) => Names {
  const alone: Names = new Set(more);
  const made = new WeakMap<Names, Names>();
  return (names) =>
    names === null ? alone : made.getOrInsertComputed(names, () => new Set([...names, ...more]));
}
