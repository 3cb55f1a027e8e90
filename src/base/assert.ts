/** Throws when a claim the programmer made does not hold; never used for an operator's or a machine's errors. */
export function assert(claim: boolean, message: string): asserts claim {
  if (!claim) throw new Error(`assertion failed: ${message}`);
}

/** Marks a `switch` as exhaustive: reaching it is a programming error. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
