import type { Log } from "../base/log.ts";
import type { CommonCounts } from "./common-counts.ts";
import type { ConnectionBook } from "./connection-book.ts";
import type { Limited } from "./connection-limits.ts";
import type { Snapshot } from "./snapshot.ts";
import type { SocketOwner } from "./sockets.ts";
import type { Streams } from "./streams/streams.ts";
import type { Suspects } from "./suspects.ts";
import type { Sweep } from "./sweep.ts";
import type { Tunnel } from "./tunnel.ts";

/** What the connections of one process share. */
export interface Engine {
  /** The plan for requests that begin now. */
  snapshot: Snapshot;
  /** Set once: every response closes its connection, and idle ones are closed. */
  isDraining: boolean;
  /** Addresses that are about to move to another node: responses to connections to them close these. */
  readonly departing: Set<string>;
  readonly sweep: Sweep;
  readonly handlers: Bun.SocketHandler<SocketOwner>;
  /** What is spoken in clear text goes over sockets of our own. */
  readonly streams: Streams;
  readonly log: Log;
  readonly suspects: Suspects;
  readonly counters: Counters;
  /** What is limited for all processes together. */
  readonly counts: CommonCounts;
  /** Connections whose number is limited. */
  readonly connections: ConnectionBook<Limited>;
  /** Until when nothing more is said of refused connections. */
  quietUntil: number;
  /** Open clients that speak HTTP. */
  readonly clients: Set<OpenClient>;
  /** Open WebSockets and relayed connections. */
  readonly tunnels: Set<Tunnel>;
  /** What carries connections to their own TLS (tls/inner-door.ts); whose they are is among the clients or tunnels. */
  readonly fronts: Set<Tunnel>;
}

/** A client's connection as the process sees it. */
export interface OpenClient {
  /** Closes it soon if no request comes over it; the response to one that does will say that it closes. */
  closeSoon(): void;
  /** Closes it, whatever is going on. */
  cut(): void;
  /** The address of this host that the client connected to; empty if the connection is gone. */
  readonly localAddress: string;
  /** Idle: between two requests. Closing: our side has ended, and the client's has not. */
  readonly standing: "idle" | "in use" | "closing" | "ended";
  /** Bytes written so far: what has not changed has been idle. */
  readonly writtenBytes: number;
  /** Ends our side in order, whatever is going on. */
  end(): void;
}

/** What the process has done so far. */
export class Counters {
  requests = 0;
  /** Responses by the first digit of their status. */
  readonly responses: Float64Array = new Float64Array(10);

  /** Counts a response. */
  add(status: number): void {
    const digit = Math.trunc(status / 100);
    this.responses[digit] = (this.responses[digit] ?? 0) + 1;
  }
}

/** Time a client has to end its side after ours has ended; what it sends meanwhile is thrown away (RFC 9112 §9.6). */
export const lingerMs = 5_000;

/** Time a client may be idle while the process drains: closed at once, it could lose the request that it is just sending. */
export const drainIdleMs = 1_000;
