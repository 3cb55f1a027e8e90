/** Freezes plain data all the way down and gives it back. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    // Most parts of a plan of 37,000 servers are texts and numbers.
    for (const key in value) if (typeof value[key] === "object") deepFreeze(value[key]);
    Object.freeze(value);
  }
  return value;
}
