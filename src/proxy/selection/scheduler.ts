import type { SchedulerFlag } from "../../config/service-plan.ts";
import type { Candidate } from "./smooth-weighted.ts";

/** A server of a relay that a scheduler may choose. */
export interface RelayCandidate extends Candidate {
  /** What it is called wherever it is hashed: the same in every process. */
  readonly key: string;
  readonly activeConnections: number;
}

/** Who asks for a server. */
export interface Caller {
  readonly clientAddress: string;
  readonly clientPort: number;
  /** The address that the client came to. */
  readonly localAddress: string;
}

/** Chooses servers for connections as the scheduler of the same name in the kernel does (`ipvsadm(8)`). */
export interface Scheduler<T> {
  /** Gives a server that takes connections and is not among those tried; null if there is none for this caller. */
  next(caller: Caller, tried: readonly T[] | null): T | null;
}

/** Tells whether a server takes a connection, unless it is full. */
export function isOpenTo<T extends RelayCandidate>(server: T, tried: readonly T[] | null): boolean {
  return server.isUp && server.weight > 0 && (tried === null || !tried.includes(server));
}

/** Gives the text to hash for a client: its address, and with the flag `port` its port. */
export function clientText(caller: Caller, flags: readonly SchedulerFlag[]): string {
  return flags.includes("port") ? `${caller.clientAddress} ${caller.clientPort}` : caller.clientAddress;
}
