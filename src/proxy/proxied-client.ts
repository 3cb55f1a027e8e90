import { prefixContains } from "../base/address.ts";
import type { ProxyProtocolPlan } from "../config/http-plan.ts";
import type { Engine, OpenClient } from "./engine.ts";
import { readProxyHeader, type ConnectionEnds } from "./proxy-header-reader.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { Swept } from "./sweep.ts";

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

/** Owns the socket of a peer that says first whom it speaks for; it is cut if that takes too long or cannot be read. */
export class ProxiedClient implements SocketOwner, OpenClient, Swept {
  private readonly options: ProxiedClientOptions;
  private readonly deadline: number;
  private held: Buffer | null = null;
  private isOver = false;

  constructor(options: ProxiedClientOptions) {
    const { engine, plan } = options;
    this.options = options;
    this.deadline = engine.sweep.after(plan.timeoutMs);
    engine.clients.add(this);
    engine.sweep.add(this);
  }

  received(bytes: Buffer): void {
    const { engine, onRead, peerAddress, wire } = this.options;
    const held = this.held === null ? bytes : Buffer.concat([this.held, bytes]);
    const reading = readProxyHeader(held);
    switch (reading.state) {
      case "incomplete":
        this.held = held;
        break;
      case "faulty":
        engine.log.debug(`${peerAddress}: no header of the PROXY protocol: ${reading.reason}`);
        this.cut();
        break;
      case "complete":
        this.leave();
        onRead(reading.ends);
        if (wire.data !== this && reading.end < held.length) wire.data.received(held.subarray(reading.end));
        break;
    }
  }

  sweep(now: number): void {
    if (now >= this.deadline) this.cut();
  }

  drained(): void {
    // Nothing was written.
  }

  ended(): void {
    this.cut();
  }

  closed(): void {
    this.leave();
  }

  closeSoon(): void {
    // What follows it sees that the process drains.
  }

  cut(): void {
    this.leave();
    this.options.wire.terminate();
  }

  end(): void {
    this.cut();
  }

  get localAddress(): string {
    return localAddressOf(this.options.wire);
  }

  get standing(): OpenClient["standing"] {
    return this.isOver ? "ended" : "in use";
  }

  readonly writtenBytes = 0;

  private leave(): void {
    this.isOver = true;
    this.options.engine.sweep.remove(this);
    this.options.engine.clients.delete(this);
  }
}
