import type { Endpoint } from "../base/address.ts";
import type { Flow, FlowTarget } from "./flow.ts";
import type { Caller } from "./selection/scheduler.ts";
import type { RelayServer } from "./snapshot.ts";

/** Where the flows that come to a UDP socket lead. */
export interface FlowRoute {
  /** How long nothing may pass in a flow. */
  idleTimeoutMs(flow: Flow): number;
  /** Whether they lead to a socket of this process. */
  readonly isLocal: boolean;
  /** Whether each datagram goes its own way. */
  readonly isOnePacket: boolean;
  /** Finds where a client's datagram goes that has no flow yet, or whose server is down; null is nowhere. */
  target(client: Caller, tried: readonly RelayServer[] | null, bytes: Buffer): FlowTarget | null;
  /** Takes on a flow that began under the plan before; false if it is to end. */
  adopt(flow: Flow): boolean;
  /** Whether a client's datagram may come over this flow. */
  comes?(flow: Flow, bytes: Buffer): boolean;
  /** Whether an answer may leave over this flow. */
  leaves?(flow: Flow, bytes: Buffer): boolean;
  /** A flow has got its socket. */
  opened?(flow: Flow): void;
  /** A flow has ended. */
  ended?(flow: Flow): void;
}

/** A UDP socket of a plan, and where its flows lead. */
export interface DatagramEntrance {
  /** As the supervisor names the socket. */
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly route: FlowRoute;
}
