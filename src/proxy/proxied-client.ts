import { prefixContains } from "../base/address.ts";
import type { ProxyProtocolPlan } from "../config/http-plan.ts";
import type { Engine } from "./engine.ts";
import { readProxyHeader, type ConnectionEnds } from "./proxy-header-reader.ts";
import type { Wire } from "./sockets.ts";
import { WaitingClient } from "./waiting-client.ts";

/** Tells whether what comes from an address begins with a header of the PROXY protocol; nobody else may send one. */
export function sendsProxyHeader(plan: ProxyProtocolPlan | null, address: string): plan is ProxyProtocolPlan {
  return plan !== null && plan.from.some((prefix) => prefixContains(prefix, address));
}

/** What a connection waits for that begins with a header. */
export interface ProxiedClientOptions {
  readonly engine: Engine;
  readonly wire: Wire;
  readonly plan: ProxyProtocolPlan;
  /** The peer's own address. */
  readonly peerAddress: string;
  /** Gives the socket its next owner; of null the ends are the connection's own. */
  readonly onRead: (ends: ConnectionEnds | null) => void;
}

/** Waits until a peer has said whom it speaks for; it is cut too if that cannot be read. */
export class ProxiedClient extends WaitingClient {
  private readonly options: ProxiedClientOptions;

  constructor(options: ProxiedClientOptions) {
    super(options.engine, options.wire, options.plan.timeoutMs);
    this.options = options;
  }

  override received(bytes: Buffer): void {
    const { engine, wire } = this;
    const held = this.behindHeld(bytes);
    const reading = readProxyHeader(held);
    switch (reading.state) {
      case "incomplete":
        this.hold(held);
        break;
      case "faulty":
        engine.log.debug(`${this.options.peerAddress}: no header of the PROXY protocol: ${reading.reason}`);
        this.cut();
        break;
      case "complete":
        this.leave();
        this.options.onRead(reading.ends);
        if (wire.data !== this && reading.end < held.length) wire.data.received(held.subarray(reading.end));
        break;
    }
  }
}
