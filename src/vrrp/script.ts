import { errorText } from "../base/system-error.ts";
import { programPath, trustProblem } from "../base/trust.ts";
import { formatMs } from "./timers.ts";
import type { Script, ScriptResult, UserIds } from "./host.ts";

/**
 * Runs a program once, without a shell, in a process group of its own that is killed when the time is up. What root is to
 * run is looked at each time: the check of the configuration may be long ago.
 */
export async function runScript({
  command,
  timeoutMs,
  user,
  signal,
  environment,
}: Script): Promise<ScriptResult> {
  const problem = user?.uid === 0 ? trustProblem(command) : null;
  if (problem !== null) return { hasSucceeded: false, text: `not run by root: ${problem}` };
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
    if (isLate) return { hasSucceeded: false, text: `not finished after ${formatMs(timeoutMs)}` };
    if (child.signalCode !== null) return { hasSucceeded: false, text: `ended by ${child.signalCode}` };
    return { hasSucceeded: child.exitCode === 0, text: `exit status ${child.exitCode ?? "unknown"}` };
  } catch (error) {
    return { hasSucceeded: false, text: `cannot be run: ${errorText(error)}` };
  }
}

/** What packages make, and what every host has. */
const unprivileged = ["edge-ha", "nobody"];

/**
 * Finds a user through the host's own name service; throws if there is none. For null it gives the first of `edge-ha` and
 * `nobody` that exists: a script is run by root only if the configuration says so. Where this process is not root, null
 * is this process's own user.
 */
export function resolveUser(name: string | null): UserIds | null {
  if (name === null) {
    if (process.getuid?.() !== 0) return null;
    const found = unprivileged.map(findUser).find((user) => user !== null);
    return found ?? { uid: 65_534, gid: 65_534 };
  }
  const user = findUser(name);
  if (user === null) throw new Error(`there is no user ${name} to run a script as`);
  return user;
}

function findUser(name: string): UserIds | null {
  const ask = (flag: string): number | null => {
    const { stdout, exitCode } = Bun.spawnSync(["id", flag, "--", name], { stderr: "ignore" });
    const text = stdout.toString().trim();
    return exitCode === 0 && /^\d+$/.test(text) ? Number(text) : null;
  };
  const uid = ask("-u");
  const gid = ask("-g");
  return uid === null || gid === null ? null : { uid, gid };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}
