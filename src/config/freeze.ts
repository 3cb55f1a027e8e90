import { isBuilt } from "../base/built.ts";

/**
 * Freezes plain data all the way down, wherever this runs from source, and gives it back. In the executable the types alone
 * say that nobody changes it, see docs/decisions/frozen-where-it-is-tried.md.
 */
export function deepFreeze<T>(value: T): T {
  if (isBuilt) return value;
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
