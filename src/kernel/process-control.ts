import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";

const schedRoundRobin = 2;
const rlimitRealtimeTime = 15;
const watchThread = "edge-ha-watch";

// Microseconds a realtime thread may compute without once waiting. A thread that does so for three seconds is in an
// endless loop (a whole garbage collection takes milliseconds; compiling at the start took over one second on a
// processor emulated in software) and would take its processor from everything else for
// ever where the kernel's realtime bandwidth limit is switched off. The kernel sends SIGXCPU at the soft limit, which
// ends the process, and SIGKILL at the hard one; the supervisor starts it again.
const realtimeSoftUs = 3_000_000;
const realtimeHardUs = 4_000_000;

/**
 * Makes this process realtime (SCHED_RR, priority 1–99), so that load on the host does not delay it. Programs it
 * starts are not realtime. Throws `EPERM` without CAP_SYS_NICE. Call it once the process has warmed up: threads that the
 * JavaScript engine starts later stay normal ones.
 */
export function setRealtime(priority: number): void {
  // The main thread first: if that is refused nothing has changed.
  native.setScheduler(0, schedRoundRobin, priority);
  native.setResourceLimit(rlimitRealtimeTime, realtimeSoftUs, realtimeHardUs);
  const enginePriority = enginePriorityBeside(priority);
  for (const thread of readdirSync("/proc/self/task").map(Number)) {
    if (thread !== process.pid) promoteThread(thread, priority, enginePriority);
  }
}

// The engine's own threads (collector, compiler, allocator) hold locks that the main thread waits for: they go before
// normal load. But they never go before the main thread, nor take turns with it: on two processors that cost up to 7 ms.
// On one processor they do take turns: the main thread waits for them by sched_yield(2), again and again, which lets only
// threads of its own priority run, and those behind it never; the limit above then ended the process.
function enginePriorityBeside(priority: number): number {
  return availableParallelism() === 1 ? priority : Math.max(1, priority - 1);
}

function promoteThread(thread: number, priority: number, enginePriority: number): void {
  try {
    const name = readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
    native.setScheduler(thread, schedRoundRobin, name === watchThread ? priority : enginePriority);
  } catch (error) {
    // The thread has ended meanwhile.
    if (!hasCode(error, "ESRCH", "ENOENT")) throw error;
  }
}

/** Keeps this process's memory from being swapped out. Throws `EPERM` or `ENOMEM` without CAP_IPC_LOCK. */
export function lockMemory(): void {
  native.lockMemory();
}
