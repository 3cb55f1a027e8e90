import { resolveUser, type UserIds } from "./program.ts";

const users = new Map<string | null, UserIds | null>();

/**
 * Finds a user as `resolveUser` does, but each only once: the host's name service may be slow, or hang for the very reason that
 * a program is to be run for, and users do not change their numbers. One that was not found is looked for again.
 */
export function knownUser(name: string | null): UserIds | null {
  const known = users.get(name);
  if (known !== undefined) return known;
  const found = resolveUser(name);
  users.set(name, found);
  return found;
}
