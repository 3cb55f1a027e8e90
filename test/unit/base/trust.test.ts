import { describe, expect, test } from "bun:test";
import { type Inode, trustProblem } from "../../../src/base/trust.ts";

const inode = (kind: Inode["kind"], mode: number, more: Partial<Inode> = {}): Inode => {
  return { kind, uid: 0, gid: 0, mode, target: "", ...more };
};
const directory = inode("directory", 0o755);
const host: Readonly<Record<string, Inode>> = {
  "/opt": directory,
  "/opt/check": inode("file", 0o755),
  "/opt/root-group": inode("file", 0o775),
  "/opt/group": inode("file", 0o775, { gid: 50 }),
  "/opt/open": inode("file", 0o757),
  "/opt/theirs": inode("file", 0o755, { uid: 1000 }),
  "/opt/link": inode("link", 0o777, { target: "../home/ann/check" }),
  "/opt/good-link": inode("link", 0o777, { target: "/opt/check" }),
  "/opt/round": inode("link", 0o777, { target: "round" }),
  "/tmp": inode("directory", 0o1777),
  "/tmp/check": inode("file", 0o755),
  "/tmp/link": inode("link", 0o777, { target: "/opt/check", uid: 1000 }),
  "/shared": inode("directory", 0o777),
  "/shared/check": inode("file", 0o755),
  "/home": directory,
  "/home/ann": inode("directory", 0o755, { uid: 1000 }),
  "/home/ann/check": inode("file", 0o755),
  "/usr": directory,
  "/usr/bin": directory,
  "/usr/bin/sh": inode("file", 0o755),
  "/usr/bin/true": inode("file", 0o755),
};
const problem = (...command: readonly string[]): string | null =>
  trustProblem(command, (path) => host[path] ?? null);

describe("trustProblem", () => {
  test("is none where everything on the way is root's alone", () => {
    expect(problem("/opt/check", "/home/ann/check")).toBeNull();
    expect(problem("/opt/root-group")).toBeNull();
    expect(problem("/opt/good-link")).toBeNull();
    expect(problem("/opt/../opt/./check")).toBeNull();
    expect(problem("true")).toBeNull();
  });

  test("names the file that others could change", () => {
    expect(problem("/opt/group")).toBe("/opt/group is writable by group 50");
    expect(problem("/opt/open")).toBe("/opt/open is writable by everybody");
    expect(problem("/opt/theirs")).toBe("/opt/theirs belongs to user 1000");
  });

  test("names the directory in which others could put something else", () => {
    expect(problem("/shared/check")).toBe("/shared is writable by everybody");
    expect(problem("/home/ann/check")).toBe("/home/ann belongs to user 1000");
    expect(problem("/home/ann/not-there")).toBe("/home/ann belongs to user 1000");
  });

  test("takes a sticky directory, but no link in it that is somebody else's", () => {
    expect(problem("/tmp/check")).toBeNull();
    expect(problem("/tmp/link")).toBe("/tmp/link belongs to user 1000");
  });

  test("follows links, and gives up in a circle", () => {
    expect(problem("/opt/link")).toBe("/home/ann belongs to user 1000");
    expect(problem("/opt/round")).toBe("/opt/round leads round in a circle");
  });

  test("looks at what an interpreter is given", () => {
    expect(problem("sh", "-e", "/home/ann/check")).toBe("/home/ann belongs to user 1000");
    expect(problem("/usr/bin/sh", "/opt/check")).toBeNull();
  });

  test("takes no relative path, and leaves what is not there alone", () => {
    expect(problem("./check")).toBe("./check is no path from the root");
    expect(problem("/opt/nothing")).toBeNull();
    expect(problem("nothing")).toBeNull();
  });
});
