import type { Endpoint } from "../base/address.ts";
import { kept } from "./body-memory.ts";
import type { Engine, OpenClient } from "./engine.ts";
import { Outbox } from "./outbox.ts";
import { proxyHeader } from "./proxy-header.ts";
import type { Caller } from "./selection/scheduler.ts";
import type { Relay, RelayServer } from "./snapshot.ts";
import { localAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import { dial, type GiveUp } from "./streams/connect.ts";
import type { StreamDialler } from "./streams/streams.ts";
import type { Swept } from "./sweep.ts";
import { Tunnel } from "./tunnel.ts";
import { SocketEnd } from "./tunnel-end.ts";
import { sorryOf } from "./sorry.ts";

/** What a client may have sent before a server is there: more stays in the kernel. */
const mostEarlyBytes = 64 * 1024;

/**
 * A client of a TCP service, until a server has taken its connection: then it is a tunnel. What the client sends before is
 * kept, so a server that refuses can be replaced by another. With no server left it goes to the sorry server.
 */
export class RelayedClient implements SocketOwner, Swept, OpenClient, Caller, StreamDialler {
  readonly clientAddress: string;
  private readonly engine: Engine;
  private readonly relay: Relay;
  private readonly wire: Wire;
  private readonly outbox: Outbox;
  /** What the server is told of the client, or null. */
  private readonly header: Buffer | null;
  private tried: RelayServer[] | null = null;
  private server: RelayServer | null = null;
  private usesSorry = false;
  private connectBy = 0;
  /** Gives up the attempt that is under way; nothing is told of it any more. */
  private giveUpAttempt: GiveUp | null = null;
  private early: Buffer[] = [];
  private earlyBytes = 0;
  private isPaused = false;
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
    this.header = this.headerFor(relay);
    engine.sweep.add(this);
    engine.clients.add(this);
    engine.counters.requests++;
    this.connectNext();
  }

  /**
   * Keeps what comes before a server is there. To pause every client at once costs six system calls of the runtime's each, and
   * most servers are there before their client's first byte.
   */
  received(bytes: Buffer): void {
    this.early.push(kept(bytes));
    this.earlyBytes += bytes.length;
    if (this.earlyBytes > mostEarlyBytes && !this.isPaused) {
      this.isPaused = true;
      this.wire.pause();
    }
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
      this.server.load.failedClient();
      this.engine.suspects.add(this.server.probe);
      this.passOver(this.server);
    }
    this.server = this.usesSorry ? null : this.relay.scheduler.next(this, this.tried);
    const sorry = sorryOf(this.relay);
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

  private passOver(server: RelayServer): void {
    server.load.closed();
    (this.tried ??= []).push(server);
    this.server = null;
  }

  private connect(endpoint: Endpoint): void {
    this.connectBy = this.engine.sweep.after(this.relay.plan.connectTimeoutMs);
    this.giveUpAttempt?.();
    this.giveUpAttempt = dial(this.engine.streams, endpoint, this);
  }

  connected(far: Wire): void {
    this.giveUpAttempt = null;
    this.open(far);
  }

  refused(): void {
    this.giveUpAttempt = null;
    this.connectNext();
  }

  private open(far: Wire): void {
    const { engine, early, server } = this;
    if (server?.load.isGone === true) {
      // Taken out while it was being connected.
      far.terminate();
      this.passOver(server);
      this.connectNext();
      return;
    }
    this.leave();
    const near = new SocketEnd(this.wire, this.outbox);
    const farEnd = new SocketEnd(far);
    const tunnel = new Tunnel({
      near,
      far: farEnd,
      sweep: engine.sweep,
      idleMs: Number.POSITIVE_INFINITY,
      onClosed: () => {
        engine.tunnels.delete(tunnel);
        server?.load.ended(tunnel);
        if (!tunnel.isRefused || server === null) return;
        server.load.failedClient();
        engine.suspects.add(server.probe);
      },
    });
    engine.tunnels.add(tunnel);
    server?.load.carries(tunnel);
    // Ahead of what the client sends.
    if (this.header !== null) farEnd.send(this.header);
    if (this.isPaused) this.wire.resume();
    for (const bytes of early) near.pass(bytes);
    if (this.hasEnded) near.ended();
  }

  /** Who the client is, while its socket still tells. */
  private headerFor({ plan }: Relay): Buffer | null {
    if (plan.proxyProtocol === null) return null;
    const source = { address: this.clientAddress, port: this.clientPort };
    const destination = { address: this.localAddress, port: this.wire.localPort };
    return proxyHeader(plan.proxyProtocol, source, destination);
  }

  private finish(): void {
    if (this.isDone) return;
    this.server?.load.closed();
    this.leave();
  }

  private leave(): void {
    this.giveUpAttempt?.();
    this.isDone = true;
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
  }
}
