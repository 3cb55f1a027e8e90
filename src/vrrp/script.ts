import { errorText } from "../base/system-error.ts";
import { formatMs } from "./timers.ts";
import type { Script, ScriptResult, UserIds } from "./host.ts";

/** Runs a program once, without a shell, in a process group of its own that is killed when the time is up. */
export async function runScript({
  command,
  timeoutMs,
  user,
  signal,
  environment,
}: Script): Promise<ScriptResult> {
  try {
    const child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
      env: { ...environment, PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
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

/** Finds a user through the host's own name service; throws if there is none. */
export function resolveUser(name: string): UserIds {
  const ask = (flag: string): number => {
    const { stdout, exitCode } = Bun.spawnSync(["id", flag, "--", name], { stderr: "ignore" });
    const text = stdout.toString().trim();
    if (exitCode !== 0 || !/^\d+$/.test(text)) throw new Error(`there is no user ${name} to run a script as`);
    return Number(text);
  };
  return { uid: ask("-u"), gid: ask("-g") };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}
