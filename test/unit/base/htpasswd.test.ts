import { describe, expect, test } from "bun:test";
import { readUserFile } from "../../../src/base/htpasswd.ts";

const bcrypt = `$2y$05$${"a".repeat(53)}`;
const argon2 =
  "$argon2id$v=19$m=65536,t=2,p=1$R9oss14d71VXZnPDj3IiehLmlB287Z2/$Jr7oqWQFtRfiMXb64AaJMvFcEe+1UnISslqbiNT+7pE";

describe("readUserFile()", () => {
  test("reads names with hashes of bcrypt and argon2id", () => {
    const text = `# staff\r\nann:${bcrypt}\r\n\r\nbob:${argon2}\ncid:${bcrypt}:comment\n`;
    expect(readUserFile(text)).toEqual({
      users: new Map([
        ["ann", bcrypt],
        ["bob", argon2],
        ["cid", bcrypt],
      ]),
      problem: null,
    });
  });

  test.each([
    ["", "there is no user in it"],
    ["ann", "line 1: is not name:hash"],
    [`ann:${bcrypt}\nann:${argon2}`, "line 2: ann is there already"],
    ["\n:x", "line 2: is not name:hash"],
    ["ann:secret", "line 1: ann has a password in clear text or of crypt(3)"],
    ["ann:$apr1$abcdefgh$abcdefghijklmnopqrstuv", "line 1: ann has an MD5 hash"],
    ["ann:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "line 1: ann has a SHA-1 hash"],
    ["ann:$6$salt$abc", "line 1: ann has a SHA-2 hash of crypt(3)"],
    ["ann:$2y$05$short", "line 1: ann has a broken bcrypt hash"],
    [
      "ann:$argon2i$v=19$m=1,t=1,p=1$aaaaaaaa$aaaaaaaaaaaaaaaa",
      "line 1: ann has a hash of argon2 that is not argon2id, version 19",
    ],
  ])("says of %j what is wrong", (text, problem) => {
    expect(readUserFile(text).problem).toBe(problem);
  });
});
