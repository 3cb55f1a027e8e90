import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { attachFilter } from "../../src/native/index.ts";
import { waitFor } from "./lab.ts";
import type { ServerConnection } from "./raw-tcp.ts";

/** One end of a connection over IPv4, as proc_net_tcp has it. */
export interface TcpEnd {
  readonly local: number;
  readonly remote: number;
  readonly state: string;
  /** Bytes that were written and that the peer has not acknowledged. */
  readonly unacknowledged: number;
  readonly inode: string;
}

/** The peer has ended its half, and this end has not. */
export const closeWait = "08";
/** It listens. */
const listening = "0A";
/** Takes no packet. */
const takesNothing = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0);

function portOf(end: string): number {
  return Number.parseInt(end.split(":")[1] ?? "", 16);
}

/** Gives the connections of this host and who listens for them, as the kernel lists them. */
export function tcpTable(): readonly TcpEnd[] {
  const lines = readFileSync("/proc/net/tcp", "latin1").trim().split("\n").slice(1);
  return lines.map((line) => {
    const [, local = "", remote = "", state = "", queues = "", , , , , inode = ""] = line.trim().split(/\s+/);
    const unacknowledged = Number.parseInt(queues.split(":")[0] ?? "", 16);
    return { local: portOf(local), remote: portOf(remote), state, unacknowledged, inode };
  });
}

/** From now on nothing reaches the server's end of a connection, as if it were under way still. */
export function deafen({ socket }: ServerConnection): void {
  const { localPort, remotePort } = socket;
  makeDeaf(({ local, remote }) => local === localPort && remote === remotePort);
}

/** From now on no connection to a port that this process listens on comes about, and none is refused. */
export function deafenListener(port: number): void {
  makeDeaf(({ local, state }) => local === port && state === listening);
}

function makeDeaf(isMeant: (end: TcpEnd) => boolean): void {
  const inode = tcpTable().find(isMeant)?.inode;
  const fd = readdirSync("/proc/self/fd").find((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === `socket:[${inode}]`;
    } catch {
      return false;
    }
  });
  if (fd === undefined) throw new Error("no such socket");
  attachFilter(Number(fd), takesNothing);
}

/** Waits until the client of a connection has sent something over it that has not arrived. */
export async function sentInto({ socket }: ServerConnection): Promise<void> {
  const { localPort, remotePort } = socket;
  const isSending = ({ local, remote, unacknowledged }: TcpEnd): boolean =>
    local === remotePort && remote === localPort && unacknowledged > 0;
  await waitFor("something is under way", () => tcpTable().some(isSending));
}
