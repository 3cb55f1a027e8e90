import { hasCode } from "../base/system-error.ts";
import { sendUnixDatagram } from "../kernel/unix-datagram.ts";
import type { DescriptorKeeper } from "./socket-store.ts";

/** Tells the service manager how this service is, after sd_notify(3); does nothing where there is none. */
export interface ServiceManager extends DescriptorKeeper {
  ready(status: string): void;
  /** Must be followed by `ready` when the reload is over, whatever came of it. */
  reloading(): void;
  stopping(): void;
  status(text: string): void;
  watchdog(): void;
  /** How often the service manager wants to hear `watchdog`, or null. */
  readonly watchdogMs: number | null;
}

/** Makes the face of the service manager that the environment names. */
export function serviceManager(environment: Readonly<Record<string, string | undefined>>): ServiceManager {
  const path = environment["NOTIFY_SOCKET"];
  const send = (text: string, descriptor: number | null = null): boolean => {
    if (path === undefined || path === "") return true;
    try {
      sendUnixDatagram(path, new TextEncoder().encode(text), descriptor);
      return true;
    } catch (error) {
      // A manager that restarts is no reason to stop serving.
      if (!hasCode(error, "ECONNREFUSED", "ENOENT", "EAGAIN", "ENOBUFS")) throw error;
      return false;
    }
  };
  return {
    ready: (status) => send(`READY=1\nSTATUS=${status}`),
    // MONOTONIC_USEC is asked for by Type=notify-reload (systemd 253 and later), ignored by older ones.
    reloading: () => send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send("STOPPING=1"),
    status: (text) => send(`STATUS=${text}`),
    watchdog: () => send("WATCHDOG=1"),
    // What is polled for hang-ups is dropped at one; a listening socket has none that would mean its end.
    store: (name, descriptor) => send(`FDSTORE=1\nFDNAME=${name}\nFDPOLL=0`, descriptor),
    discard: (name) => send(`FDSTOREREMOVE=1\nFDNAME=${name}`),
    watchdogMs: watchdogMs(environment),
  };
}

/** Reads WATCHDOG_USEC: a third of it leaves room for a busy host. */
function watchdogMs(environment: Readonly<Record<string, string | undefined>>): number | null {
  const microseconds = Number(environment["WATCHDOG_USEC"]);
  const pid = environment["WATCHDOG_PID"];
  if (!Number.isFinite(microseconds) || microseconds <= 0) return null;
  if (pid !== undefined && Number(pid) !== process.pid) return null;
  return microseconds / 3000;
}
