import { errorText } from "./system-error.ts";
import { programPath, trustProblem } from "./trust.ts";

/** A user as the kernel knows it. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** A program to run without a shell. */
export interface Program {
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Null is this process's own user. */
  readonly user: UserIds | null;
  /** Variables beside PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the run before its time, with all it started; never if it is left out. */
  readonly signal?: AbortSignal;
}

/** How a run ended; `text` reads like `exit status 1`. */
export interface ProgramEnd {
  /** Null if it was not run, or did not come to its own end. */
  readonly exitStatus: number | null;
  readonly text: string;
}

/**
 * Runs a program once in a process group of its own that is killed when the time is up. What root is to run is looked at
 * each time: the check of the configuration may be long ago.
 */
export async function runProgram({
  command,
  timeoutMs,
  user,
  signal,
  environment,
}: Program): Promise<ProgramEnd> {
  const problem = user?.uid === 0 ? trustProblem(command) : null;
  if (problem !== null) return { exitStatus: null, text: `not run by root: ${problem}` };
  try {
    const child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
      env: { ...environment, PATH: programPath },
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, timeoutMs);
    const abort = (): void => killGroup(child.pid);
    signal?.addEventListener("abort", abort, { once: true });
    await child.exited;
    signal?.removeEventListener("abort", abort);
    clearTimeout(timer);
    // A shell that has ended may have left children: they must not outlive the run either.
    killGroup(child.pid);
    if (isLate) return { exitStatus: null, text: `not finished after ${formatSpan(timeoutMs)}` };
    if (child.signalCode !== null) return { exitStatus: null, text: `ended by ${child.signalCode}` };
    return { exitStatus: child.exitCode, text: `exit status ${child.exitCode ?? "unknown"}` };
  } catch (error) {
    return { exitStatus: null, text: `cannot be run: ${errorText(error)}` };
  }
}

/** What packages make, and what every host has. */
const unprivileged = ["edge-ha", "nobody"];

/**
 * Finds a user through the host's own name service; throws if there is none. For null it gives the first of `edge-ha` and
 * `nobody` that exists: a script is run by root only if the configuration says so. Where this process is not root, null
 * is this process's own user. It waits for the name service, and throws where that takes longer than `limitMs`.
 */
export function resolveUser(name: string | null, limitMs: number = lookupLimitMs): UserIds | null {
  if (name === null) {
    if (process.getuid?.() !== 0) return null;
    for (const one of unprivileged) {
      const found = findUser(one, limitMs);
      if (found !== null) return found;
    }
    return { uid: 65_534, gid: 65_534 };
  }
  const user = findUser(name, limitMs);
  if (user === null) throw new Error(`there is no user ${name} to run a script as`);
  return user;
}

/** How long the host's name service may take to say who a user is: nothing else is done meanwhile. */
const lookupLimitMs = 3_000;

function findUser(name: string, limitMs: number): UserIds | null {
  const ask = (flag: string): number | null => {
    const { stdout, exitCode, exitedDueToTimeout } = Bun.spawnSync(["id", flag, "--", name], {
      stderr: "ignore",
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    if (exitedDueToTimeout === true)
      throw new Error(`the host's name service does not say within ${formatSpan(limitMs)} who ${name} is`);
    const text = stdout.toString().trim();
    return exitCode === 0 && /^\d+$/.test(text) ? Number(text) : null;
  };
  const uid = ask("-u");
  const gid = uid === null ? null : ask("-g");
  return uid === null || gid === null ? null : { uid, gid };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}

function formatSpan(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(2))} s`;
}
