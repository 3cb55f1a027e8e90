import type { Endpoint } from "../base/address.ts";
import type { Engine, OpenClient } from "./engine.ts";
import { Outbox } from "./outbox.ts";
import type { Caller } from "./selection/scheduler.ts";
import type { Relay, RelayServer } from "./snapshot.ts";
import { localAddressOf, noOwner, type SocketOwner, type Wire } from "./sockets.ts";
import type { Swept } from "./sweep.ts";
import { Tunnel } from "./tunnel.ts";

/**
 * A client of a TCP service, until a server has taken its connection: then it is a tunnel. Nothing is read from the
 * client before, so a server that refuses can be replaced by another. With no server left it goes to the sorry server.
 */
export class RelayedClient implements SocketOwner, Swept, OpenClient, Caller {
  readonly clientAddress: string;
  private readonly engine: Engine;
  private readonly relay: Relay;
  private readonly wire: Wire;
  private readonly outbox: Outbox;
  private tried: RelayServer[] | null = null;
  private server: RelayServer | null = null;
  private usesSorry = false;
  private connectBy = 0;
  /** Counts attempts, so that one which was given up cannot come back. */
  private attempt = 0;
  private early: Buffer[] = [];
  private hasEnded = false;
  private isDone = false;

  /** `clientAddress` is as it was when the connection was accepted: once the client has reset it there is none. */
  constructor(
    engine: Engine,
    relay: Relay,
    { wire, clientAddress }: { readonly wire: Wire; readonly clientAddress: string },
  ) {
    this.engine = engine;
    this.relay = relay;
    this.wire = wire;
    this.clientAddress = clientAddress;
    this.outbox = new Outbox(wire);
    engine.sweep.add(this);
    engine.clients.add(this);
    engine.counters.requests++;
    wire.pause();
    this.connectNext();
  }

  /** A pause does not take back what the loop has read already. */
  received(bytes: Buffer): void {
    this.early.push(bytes);
  }

  drained(): void {
    this.outbox.flush();
  }

  ended(): void {
    this.hasEnded = true;
  }

  closed(): void {
    this.finish();
  }

  sweep(now: number): void {
    if (now >= this.connectBy) this.connectNext();
  }

  closeSoon(): void {
    // A connection that waits for its server is not idle.
  }

  get localAddress(): string {
    return localAddressOf(this.wire);
  }

  get clientPort(): number {
    return this.wire.remotePort;
  }

  get standing(): OpenClient["standing"] {
    return this.isDone ? "ended" : "in use";
  }

  readonly writtenBytes = 0;

  end(): void {
    this.wire.end();
    this.finish();
  }

  cut(): void {
    this.wire.terminate();
    this.finish();
  }

  private connectNext(): void {
    if (this.server !== null) {
      this.server.load.closed();
      this.engine.suspects.add(this.server.probe);
      (this.tried ??= []).push(this.server);
    }
    this.server = this.usesSorry ? null : this.relay.scheduler.next(this, this.tried);
    const { sorry } = this.relay.plan;
    if (this.server !== null) {
      // It counts from now on: those who come before it has answered are to go elsewhere.
      this.server.load.opened();
      this.connect(this.server.endpoint);
    } else if (sorry !== null && !this.usesSorry) {
      this.usesSorry = true;
      this.connect(sorry);
    } else {
      this.cut();
    }
  }

  private connect(endpoint: Endpoint): void {
    const attempt = ++this.attempt;
    this.connectBy = this.engine.sweep.after(this.relay.plan.connectTimeoutMs);
    const isCurrent = (): boolean => attempt === this.attempt && !this.isDone;
    Bun.connect<SocketOwner>({
      hostname: endpoint.address,
      port: endpoint.port,
      allowHalfOpen: true,
      data: noOwner,
      socket: {
        ...this.engine.handlers,
        open: (far) => {
          if (isCurrent()) this.open(far);
          else far.terminate();
        },
      },
    }).catch(() => {
      if (isCurrent()) this.connectNext();
    });
  }

  private open(far: Wire): void {
    const { engine, early } = this;
    const load = this.server?.load;
    this.leave();
    const tunnel = new Tunnel({
      near: this.wire,
      nearOutbox: this.outbox,
      far,
      sweep: engine.sweep,
      idleMs: Number.POSITIVE_INFINITY,
      onClosed: () => {
        engine.tunnels.delete(tunnel);
        load?.closed();
      },
    });
    engine.tunnels.add(tunnel);
    this.wire.resume();
    for (const bytes of early) tunnel.near.received(bytes);
    if (this.hasEnded) tunnel.near.ended();
  }

  private finish(): void {
    if (this.isDone) return;
    this.server?.load.closed();
    this.leave();
  }

  private leave(): void {
    this.isDone = true;
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
  }
}
