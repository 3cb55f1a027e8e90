import { readFileSync } from "node:fs";

/** A user to run a process as. */
export interface UserIds {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Looks a user up by name in text of passwd(5) form; null if it is not there. */
export function findUser(passwd: string, name: string): UserIds | null {
  for (const line of passwd.split("\n")) {
    const [login, , uid, gid] = line.split(":");
    if (login === name && uid !== undefined && gid !== undefined)
      return { name, uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** The user that a package makes for the proxies; where nobody made it, `nobody` does as well. */
const usualUser = "edge-ha";

/**
 * Gives the user for the proxies: the wanted one, or `nobody` where the usual one does not exist, or null where this
 * process is not root and cannot change users at all. Throws if a user that was chosen does not exist.
 */
export function proxyUser(wanted: string): UserIds | null {
  if (process.getuid?.() !== 0) return null;
  return chooseUser(readFileSync("/etc/passwd", "utf8"), wanted);
}

/** Chooses among the users in text of passwd(5) form, as `proxyUser` says. */
export function chooseUser(passwd: string, wanted: string): UserIds {
  const found = findUser(passwd, wanted);
  if (found !== null) return found;
  if (wanted !== usualUser) {
    throw new Error(
      `there is no user ${wanted} to run the proxies as; make it, or correct user in [proxy] of the configuration`,
    );
  }
  return findUser(passwd, "nobody") ?? { name: "65534", uid: 65_534, gid: 65_534 };
}
