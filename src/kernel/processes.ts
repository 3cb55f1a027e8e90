import { readdirSync, readFileSync } from "node:fs";
import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { openEventSocket, receiveFromKernel } from "./netlink/socket.ts";
import { listenRequests, parseConnector, type ConnectorNews, type ProcessEvent } from "./proc-connector.ts";
import { netlinkAddress } from "./socket-address.ts";
import { NETLINK_CONNECTOR } from "./socket-constants.ts";

/** A process as /proc shows it. */
export interface ProcessText {
  /** At most 15 bytes (TASK_COMM_LEN). */
  readonly name: string;
  /** The command line; argv[0] first. */
  readonly words: readonly string[];
}

/** Lists the processes of this host, or of this container. */
export function listProcesses(): readonly number[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** Describes a process; null if it is gone, is a thread of the kernel, or is dead and not collected yet. */
export function describeProcess(pid: number): ProcessText | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    if (words.length < 2 && words[0] === "") return null;
    if (words.at(-1) === "") words.pop();
    return { name: readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd(), words };
  } catch {
    return null;
  }
}

/** Calls `react` once when a process ends; the result ends that. Null if there is no such process. */
export function watchEnd(pid: number, react: () => void): (() => void) | null {
  let fd: number;
  try {
    fd = native.openProcess(pid);
  } catch (error) {
    if (hasCode(error, "ESRCH", "EINVAL")) return null;
    throw error;
  }
  const end = (): void => {
    if (fd >= 0) native.close(fd);
    fd = -1;
  };
  native.watch(fd, () => {
    end();
    react();
  });
  return end;
}

const connectorGroup = 1;
// Bounds one wake-up: what is left wakes again, after timers had their turn.
const datagramsPerWake = 64;

/**
 * Tells of processes that start, run another program or change their name. Null where the kernel tells nobody: it does in
 * the first network and process namespaces only, and to CAP_NET_ADMIN.
 */
export function subscribeProcesses(react: (event: ProcessEvent) => void): (() => void) | null {
  const fd = openConnector();
  if (fd === null) return null;
  const into = new Uint8Array(4096);
  let isOpen = true;
  native.watch(fd, () => {
    for (let count = 0; count < datagramsPerWake; count++) {
      const news = isOpen ? received(fd, into) : null;
      if (news === null) return;
      for (const event of news) if (isOpen) react(event);
    }
  });
  return () => {
    if (isOpen) native.close(fd);
    isOpen = false;
  };
}

function openConnector(): number | null {
  let fd: number | null = null;
  try {
    fd = openEventSocket(NETLINK_CONNECTOR, connectorGroup);
    for (const request of listenRequests()) native.send(fd, request, netlinkAddress(0), 0);
    if (isListening(fd)) return fd;
  } catch {
    // ECONNREFUSED in a namespace of one's own, EPERM without the right, EPROTONOSUPPORT without the kernel's module.
  }
  if (fd !== null) native.close(fd);
  return null;
}

/** The kernel answers before the request returns, in the first process namespace only. */
function isListening(fd: number): boolean {
  const into = new Uint8Array(4096);
  for (let count = 0; count < datagramsPerWake; count++) {
    const datagram = receiveFromKernel(fd, into);
    if (datagram === null) return false;
    const { answer }: ConnectorNews = parseConnector(datagram);
    if (answer !== null) return answer === 0;
  }
  return false;
}

function received(fd: number, into: Uint8Array): readonly ProcessEvent[] | null {
  try {
    const datagram = receiveFromKernel(fd, into);
    return datagram === null ? null : parseConnector(datagram).events;
  } catch (error) {
    if (hasCode(error, "ENOBUFS", "EMSGSIZE")) return [{ kind: "overrun" }];
    throw error;
  }
}
