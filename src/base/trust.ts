import { lstatSync, readlinkSync } from "node:fs";

/** Whether root can run a program without running what somebody else has put in its place. */

/** What a path names, without following it. */
export interface Inode {
  readonly kind: "directory" | "file" | "link";
  readonly uid: number;
  readonly gid: number;
  /** Permission bits with the sticky bit. */
  readonly mode: number;
  /** Where a link leads. */
  readonly target: string;
}

/** Looks at a path; null if there is nothing. */
export type Look = (path: string) => Inode | null;

/** Where programs without a slash in their name are looked for, here and when scripts are run. */
export const programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const mostLinks = 40;
const sticky = 0o1000;
/** Programs that run the file they are given: that file counts as much as they do. */
const interpreters =
  /^(?:a?sh|bash|dash|zsh|ksh|busybox|env|python[\d.]*|perl|ruby|node|bun|php|lua|timeout|nice|sudo|flock)$/;

/** Says who besides root could change what a command runs, as in `/opt/x belongs to user 1000`; null if nobody can. */
export function trustProblem(command: readonly string[], look: Look = lookAtFile): string | null {
  const [program = "", ...rest] = command;
  const path = program.includes("/") ? program : found(program, look);
  if (path === null) return null;
  if (!path.startsWith("/")) return `${path} is no path from the root`;
  const isInterpreter = interpreters.test(path.split("/").at(-1) ?? "");
  const files = isInterpreter ? [path, ...rest.filter((word) => word.startsWith("/"))] : [path];
  for (const file of files) {
    const problem = pathProblem(file, look);
    if (problem !== null) return problem;
  }
  return null;
}

function found(name: string, look: Look): string | null {
  const paths = programPath.split(":").map((directory) => `${directory}/${name}`);
  return paths.find((path) => look(path) !== null) ?? null;
}

/** Goes from the root to the end, through links as the kernel does; what is not there is nobody's yet. */
function pathProblem(path: string, look: Look): string | null {
  const waiting = path.split("/");
  let at = "";
  for (let links = 0; waiting.length > 0;) {
    const step = waiting.shift() ?? "";
    if (step === "" || step === ".") continue;
    if (step === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    const here = `${at}/${step}`;
    const inode = look(here);
    if (inode === null) return null;
    const problem = inodeProblem(here, inode);
    if (problem !== null) return problem;
    if (inode.kind !== "link") {
      at = here;
      continue;
    }
    links++;
    if (links > mostLinks) return `${here} leads round in a circle`;
    waiting.unshift(...inode.target.split("/"));
    if (inode.target.startsWith("/")) at = "";
  }
  return null;
}

function inodeProblem(path: string, { kind, uid, gid, mode }: Inode): string | null {
  if (uid !== 0) return `${path} belongs to user ${uid}`;
  // A link's own bits say nothing, and in a sticky directory nobody can replace what is root's.
  if (kind === "link" || (kind === "directory" && (mode & sticky) !== 0)) return null;
  if ((mode & 0o002) !== 0) return `${path} is writable by everybody`;
  return (mode & 0o020) !== 0 && gid !== 0 ? `${path} is writable by group ${gid}` : null;
}

/** Looks at a path of this host. */
export function lookAtFile(path: string): Inode | null {
  try {
    const { uid, gid, mode } = lstatSync(path);
    const type = mode & 0o170_000;
    const kind = type === 0o040_000 ? "directory" : type === 0o120_000 ? "link" : "file";
    return { kind, uid, gid, mode: mode & 0o7777, target: kind === "link" ? readlinkSync(path) : "" };
  } catch {
    return null;
  }
}
