/** Reads files of users as `htpasswd` writes them. PURE. */

/** What is in a file of users. */
export interface UserFile {
  /** Hashes by name. */
  readonly users: ReadonlyMap<string, string>;
  /** What is wrong with the first line that is of no use; null if all are. */
  readonly problem: string | null;
}

const bcrypt = /^\$2[aby]\$(?:0[4-9]|1\d|2\d|3[01])\$[./A-Za-z0-9]{53}$/;
const argon2 = /^\$argon2id\$v=19\$m=\d{1,8},t=\d{1,4},p=\d{1,3}\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}$/;

const others: readonly (readonly [RegExp, string])[] = [
  [/^\$apr1\$|^\$1\$/, "an MD5 hash"],
  [/^\{SHA\}/, "a SHA-1 hash"],
  [/^\{SSHA\}/, "a SHA-1 hash"],
  [/^\$[56]\$/, "a SHA-2 hash of crypt(3)"],
  [/^\$argon2/, "a hash of argon2 that is not argon2id, version 19"],
  [/^\$2/, "a broken bcrypt hash"],
];

/** Reads the text of a file: a line `name:hash` for each user, bcrypt or argon2id; empty lines and `#` are left out. */
export function readUserFile(text: string): UserFile {
  const users = new Map<string, string>();
  let problem: string | null = null;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const found = lineProblem(line, users);
    if (found !== null) problem ??= `line ${index + 1}: ${found}`;
  }
  if (problem === null && users.size === 0) problem = "there is no user in it";
  return { users, problem };
}

function lineProblem(line: string, users: Map<string, string>): string | null {
  const colon = line.indexOf(":");
  if (colon <= 0) return "is not name:hash";
  const name = line.slice(0, colon);
  // Some tools write further fields behind the hash.
  const hash = line.slice(colon + 1).split(":")[0] ?? "";
  if (users.has(name)) return `${name} is there already`;
  if (bcrypt.test(hash) || argon2.test(hash)) {
    users.set(name, hash);
    return null;
  }
  const kind =
    others.find(([pattern]) => pattern.test(hash))?.[1] ?? "a password in clear text or of crypt(3)";
  return `${name} has ${kind}`;
}
