import type { Endpoint } from "../../base/address.ts";
import { afterlifeMs, type Flow, type FlowTarget } from "../flow.ts";
import type { FlowRoute } from "../flow-route.ts";
import type { Caller } from "../selection/scheduler.ts";
import type { RelayServer } from "../snapshot.ts";
import { Handshakes } from "./handshakes.ts";
import { handshakeMs, quietS } from "./quic-timing.ts";

/** Longer than a connection lives without a datagram: what the runtime still sends to it goes to an open socket. */
const connectedIdleMs = (quietS + 5) * 1000;
const unknownIdleMs = handshakeMs + 5_000;

/** The last packet of a connection takes less than that to its flow. */
const farewellMs = 200;

/** Sockets of flows that have ended, and are still open for what the runtime sends: without end there would be no room for others. */
const mostEnding = 2_048;

/** RFC 9000 §14.1, and §10.3: what is shorter is neither the beginning of a connection nor a packet of one. */
const leastInitialBytes = 1_200;
const leastBytes = 21;

/**
 * The clients of one HTTP/3 listener by the ports of their flows: the runtime's QUIC listens on the loopback address, sees
 * their datagrams come from these, and knows nothing else of them.
 */
export class QuicFlows implements FlowRoute {
  readonly isLocal = true;
  readonly isOnePacket = false;
  private readonly endpoint: () => Endpoint | null;
  private readonly byPort = new Map<number, Flow>();
  private readonly handshakes = new Handshakes(() => performance.now());
  private readonly connected = new Map<Flow, number>();
  private ending = 0;

  /** `endpoint` gives where QUIC listens, or null before it does. */
  constructor(endpoint: () => Endpoint | null) {
    this.endpoint = endpoint;
  }

  idleTimeoutMs(flow: Flow): number {
    return this.connected.has(flow) ? connectedIdleMs : unknownIdleMs;
  }

  target(_client: Caller, _tried: readonly RelayServer[] | null, bytes: Buffer): FlowTarget | null {
    const endpoint = this.endpoint();
    if (endpoint === null || this.ending >= mostEnding || !isQuic(bytes)) return null;
    return { server: null, endpoint, isLocal: true };
  }

  comes(flow: Flow, bytes: Buffer): boolean {
    return this.handshakes.comes(flow, bytes);
  }

  leaves(flow: Flow, bytes: Buffer): boolean {
    return this.handshakes.leaves(flow, bytes);
  }

  adopt(flow: Flow): boolean {
    return flow.isLocal;
  }

  opened(flow: Flow): void {
    if (flow.localPort !== null) this.byPort.set(flow.localPort, flow);
  }

  ended(flow: Flow): void {
    if (flow.localPort !== null) this.byPort.delete(flow.localPort);
    this.ending += 1;
    setTimeout(() => (this.ending -= 1), afterlifeMs);
  }

  /** Gives the flow that leaves from a port of ours; undefined for what came from elsewhere. */
  find(port: number): Flow | undefined {
    return this.byPort.get(port);
  }

  /** A connection was made over a flow. */
  connect(flow: Flow): void {
    this.connected.set(flow, (this.connected.get(flow) ?? 0) + 1);
  }

  /** A connection has ended; without another one its flow is of no use any more, but for the word that it ends. */
  disconnect(flow: Flow): void {
    const left = (this.connected.get(flow) ?? 0) - 1;
    if (left > 0) {
      this.connected.set(flow, left);
      return;
    }
    this.connected.delete(flow);
    setTimeout(() => {
      if (!this.connected.has(flow)) flow.end();
    }, farewellMs);
  }
}

/** Tells whether a datagram can be one of QUIC from a client that nothing is known of (RFC 9000 §17). */
export function isQuic(bytes: Buffer): boolean {
  const first = bytes[0] ?? 0;
  const isLong = (first & 0x80) !== 0;
  if (isLong) return bytes.length >= leastInitialBytes;
  return (first & 0x40) !== 0 && bytes.length >= leastBytes;
}
