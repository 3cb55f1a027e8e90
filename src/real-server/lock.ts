import { readFileSync } from "node:fs";
import { lockNamespace, type LockHolder } from "../kernel/namespace-lock.ts";

/**
 * One `rs` at a time changes a network namespace: of two that run at the same moment each would save what the other has
 * half done as what was there before. `rs serve` has the lock for as long as it runs.
 */

const lockName = "edge-ha.rs";
const retryMs = 50;
const patienceMs = 10_000;

/** How the lock was come by, or why not. */
export type Lock =
  | { readonly kind: "taken"; /** Empty, or what is odd about it. */ readonly note: string }
  | { readonly kind: "busy"; readonly reason: string };

/** Takes the lock for the life of this process, and waits for it while somebody else does short work. */
export async function takeLock(): Promise<Lock> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const holder = lockNamespace(lockName);
    if (holder === null) return { kind: "taken", note: "" };
    if (isStranger(holder)) {
      const note = `process ${holder.pid} of user ${holder.uid} holds the lock of \`rs\`: going on without it`;
      return { kind: "taken", note };
    }
    if (isServing(holder.pid)) {
      const reason = `\`edge-ha rs serve\` (process ${holder.pid}) keeps this machine as it is: change its options, or stop it first`;
      return { kind: "busy", reason };
    }
    if (performance.now() > end) {
      const who = holder.pid === 0 ? "" : ` (process ${holder.pid})`;
      return { kind: "busy", reason: `another \`edge-ha rs\`${who} is at work here and does not end` };
    }
    await Bun.sleep(retryMs);
  }
}

/** Tells whether `rs serve` runs here. */
export function isServed(): boolean {
  const holder = lockNamespace(lockName);
  return holder !== null && isServing(holder.pid);
}

/** Anybody can take an abstract socket's name; who is neither root nor oneself proves nothing. */
function isStranger({ pid, uid }: LockHolder): boolean {
  return pid !== 0 && uid !== 0 && uid !== process.getuid?.();
}

function isServing(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words[words.indexOf("rs") + 1] === "serve";
  } catch {
    // It has ended meanwhile, or is not to be looked at: the next attempt tells.
    return false;
  }
}
