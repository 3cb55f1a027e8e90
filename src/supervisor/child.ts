import { availableParallelism } from "node:os";
import type { Role } from "../ipc/messages.ts";
import { nativeFolder } from "./native-folder.ts";
import { installedPath, roleCommand } from "./self-command.ts";
import type { UserIds } from "./user.ts";

/** A running child and its end of the IPC channel. */
export interface Child<To> {
  readonly pid: number;
  /** Sends a message; a child that is gone loses it silently. */
  send(message: To): void;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** What is needed to start a child. */
export interface ChildOptions<From> {
  readonly role: Role;
  /** Descriptors the child finds as 3, 4, 5 … */
  readonly descriptors: readonly number[];
  /** Null keeps the supervisor's own user. */
  readonly user: UserIds | null;
  readonly onMessage: (message: From) => void;
  /** Called once, with a text such as `exit status 1` or `SIGKILL`. */
  readonly onExit: (how: string) => void;
}

/** What a child gets to see of the environment: nothing that could change what the runtime does. */
const passedOn = ["PATH", "TMPDIR", "JOURNAL_STREAM", "EDGE_HA_DEBUG", "EDGE_HA_STATE_DIRECTORY"];

/**
 * One thread marks garbage in a proxy: there is a proxy for each core, and further markers take time from the others.
 * 1 MiB answers cost 5 % less CPU. Threads that wait for a disk are more than a cache on a disk that hangs can take
 * (7 each), so that passwords are still looked at; the runtime has one a core otherwise, and two at least. Pages of the allocator that
 * are empty in part stay: to give those holes back and to have them again was a page fault for every fifth to tenth request. What is empty as
 * a whole is given back as before.
 */
export const proxyRuntimeOptions: Readonly<Record<string, string>> = {
  BUN_JSC_numberOfGCMarkers: "1",
  UV_THREADPOOL_SIZE: String(Math.max(8, availableParallelism())),
  MIMALLOC_PURGE_HOLES: "0",
  // That QUIC is experimental is said in the log in words of our own.
  NODE_NO_WARNINGS: "1",
};

/**
 * Elections run the same few functions some hundred times a second: making the last out of them took a fifth of all their
 * processor time, in threads of the same realtime priority. Their memory is locked, so that the allocator cannot
 * give any back, and would try to all the time. With 255 virtual routers the three are worth a quarter.
 */
export const vrrpRuntimeOptions: Readonly<Record<string, string>> = {
  BUN_JSC_useFTLJIT: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  MIMALLOC_PURGE_DELAY: "-1",
};

/**
 * The last of the runtime's compilers takes more of a first load than it gives back, a fifth of all the processor time of 37,000
 * servers: it begins after 20 times the usual work, as it does pay for thousands of checks a second. Garbage is not
 * looked for below 64 MiB, which such a load stays under; an idle process is looked at every so often all the same. The
 * supervisor has the like by its unit.
 */
export const directorRuntimeOptions: Readonly<Record<string, string>> = {
  BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: String(20 * 64_000),
  BUN_JSC_largeHeapSize: String(64 * 1024 * 1024),
};

const runtimeOptions: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
  vrrp: vrrpRuntimeOptions,
  director: directorRuntimeOptions,
  proxy: proxyRuntimeOptions,
};

function childEnvironment(role: Role, user: UserIds | null): Record<string, string> {
  const environment: Record<string, string> = { ...runtimeOptions[role] };
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  if (user !== null) environment["TMPDIR"] = nativeFolder(user);
  return environment;
}

/** Starts this executable in a role; throws what the runtime throws when it cannot be run at all. */
export function startChild<To, From>(options: ChildOptions<From>): Child<To> {
  const { role, descriptors, user, onMessage, onExit } = options;
  const subprocess = Bun.spawn({
    cmd: roleCommand(role),
    argv0: installedPath,
    stdio: ["ignore", "inherit", "inherit", ...descriptors],
    env: childEnvironment(role, user),
    ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    // The peer is this very executable: what arrives has the type it was sent with.
    ipc: (message: unknown) => onMessage(message as From),
    onExit: (_subprocess, status, signal) => {
      onExit(signal === null ? `exit status ${status ?? "unknown"}` : signalName(signal));
    },
  });
  return {
    pid: subprocess.pid,
    send: (message) => {
      try {
        subprocess.send(message);
      } catch {
        // The channel closes before the exit is reported: the restart follows by itself.
      }
    },
    kill: (signal) => subprocess.kill(signal),
  };
}

function signalName(signal: number | string): string {
  return typeof signal === "string" ? signal : `signal ${signal}`;
}
