import type { Engine } from "../engine.ts";
import {
  isBehind,
  listenOn,
  type ListenTls,
  noOwner,
  peerAddressOf,
  type SocketOwner,
  type Wire,
} from "../sockets.ts";
import { dial } from "../streams/connect.ts";
import type { StreamDialler } from "../streams/streams.ts";
import { Tunnel } from "../tunnel.ts";
import { SocketEnd } from "../tunnel-end.ts";
import { WaitingClient } from "../waiting-client.ts";

const loopback = "127.0.0.1";
/** What a client may have sent before its way in is there: more stays in the kernel. */
const mostEarlyBytes = 64 * 1024;
/** The way is within this process. */
const passMs = 5_000;

/** Gives a socket on which TLS begins its owner. */
export type OwnerOf = (wire: Wire) => SocketOwner;

/**
 * Takes TLS from connections of which bytes were read in clear text before: the runtime begins TLS only on sockets that it
 * accepts itself and that are unread. What follows is carried, as it came, to a listening socket on the loopback address of
 * which nobody knows the port; a connection to it belongs to the client whose way in has that source port, and others
 * are cut.
 *
 *     client ── outer socket ── Tunnel ── dialled ─ 127.0.0.1 ─ inner socket, TLS ── ClientConnection
 */
export class InnerDoor {
  private readonly engine: Engine;
  private readonly server: Bun.TCPSocketListener<SocketOwner>;
  /** Who is to come from a source port, and has not been accepted. */
  private readonly expected = new Map<number, (inner: Wire) => void>();
  /** Who was accepted from a source port while ways in were dialled: it may be one of them. */
  private readonly early = new Map<number, Wire>();
  private dialling = 0;
  /** Outer sockets of those who have come, and are not in yet. */
  private readonly coming = new Set<Wire>();
  private isLeaving = false;

  constructor(engine: Engine, tls: ListenTls) {
    this.engine = engine;
    const open = (wire: Wire): void => this.accepted(wire);
    const at = { hostname: loopback, port: 0 };
    this.server = listenOn(at, { ...engine.handlers, open }, tls) as Bun.TCPSocketListener<SocketOwner>;
  }

  /** Somebody has come who may want a way in, now or when his header is there. */
  comes(outer: Wire): void {
    this.coming.add(outer);
  }

  /** Whoever came is in, or gone. */
  settled(outer: Wire): void {
    if (this.coming.delete(outer) && this.isLeaving) this.leave();
  }

  /** Closes it, as soon as nobody is on the way. */
  leave(): void {
    this.isLeaving = true;
    if (this.coming.size === 0) this.server.stop();
  }

  /** Gives the client's socket a way in; `ownerOf` is called with what comes out of it, unless the client goes before. */
  pass(outer: Wire, ownerOf: OwnerOf): void {
    const { engine } = this;
    const client = new PassingClient(engine, outer, passMs);
    outer.data = client;
    this.dialling += 1;
    dial(engine.streams, { address: loopback, port: this.server.port }, new Way(this, client, ownerOf));
  }

  /** Joins a client with its way in; `far` is null if there is none. */
  dialled(client: PassingClient, far: Wire | null, ownerOf: OwnerOf): void {
    const port = far?.localPort ?? 0;
    if (far !== null && client.standing !== "ended") {
      this.expect(port, (inner) => {
        isBehind(inner, client.socket);
        inner.data = ownerOf(inner);
        this.settled(client.socket);
      });
      // Behind that, for whatever ends the tunnel ends the expectation.
      this.join(client, far, port);
    } else {
      far?.terminate();
      client.cut();
    }
    this.dialling -= 1;
    if (this.dialling > 0) return;
    for (const stranger of this.early.values()) stranger.terminate();
    this.early.clear();
  }

  private join(client: PassingClient, far: Wire, port: number): void {
    const { fronts, sweep } = this.engine;
    client.passOn((wire) => {
      const near = new SocketEnd(wire);
      const onClosed = (): void => {
        fronts.delete(tunnel);
        this.expected.delete(port);
      };
      const idleMs = Number.POSITIVE_INFINITY;
      const tunnel = new Tunnel({ near, far: new SocketEnd(far), sweep, idleMs, onClosed });
      fronts.add(tunnel);
      return near;
    });
  }

  private expect(port: number, take: (inner: Wire) => void): void {
    const inner = this.early.get(port);
    if (inner === undefined) {
      this.expected.set(port, take);
      return;
    }
    this.early.delete(port);
    take(inner);
  }

  private accepted(wire: Wire): void {
    const port = wire.remotePort;
    if (peerAddressOf(wire) !== loopback) {
      wire.terminate();
      return;
    }
    const take = this.expected.get(port);
    if (take !== undefined) {
      this.expected.delete(port);
      take(wire);
    } else if (this.dialling > 0) {
      const forget = (): boolean => this.early.get(port) === wire && this.early.delete(port);
      this.early.set(port, wire);
      wire.data = { ...noOwner, closed: () => void forget() };
      // While others are dialled all the time, nobody would find him out.
      setTimeout(() => forget() && wire.terminate(), passMs).unref();
    } else {
      wire.terminate();
    }
  }
}

/** A client whose way in is dialled. */
class PassingClient extends WaitingClient {
  private isPaused = false;

  get socket(): Wire {
    return this.wire;
  }

  override received(bytes: Buffer): void {
    const held = this.behindHeld(bytes);
    this.hold(held);
    if (held.length <= mostEarlyBytes || this.isPaused) return;
    this.isPaused = true;
    this.wire.pause();
  }

  /** Gives the socket its next owner, which gets what came meanwhile. */
  passOn(ownerOf: OwnerOf): void {
    const { held, wire } = this;
    this.leave();
    const owner = ownerOf(wire);
    if (this.isPaused) wire.resume();
    if (held !== null) owner.received(held);
  }
}

/** A way in, until it is part of a tunnel. */
class Way implements StreamDialler {
  private readonly door: InnerDoor;
  private readonly client: PassingClient;
  private readonly ownerOf: OwnerOf;

  constructor(door: InnerDoor, client: PassingClient, ownerOf: OwnerOf) {
    this.door = door;
    this.client = client;
    this.ownerOf = ownerOf;
  }

  connected(far: Wire): void {
    this.door.dialled(this.client, far, this.ownerOf);
  }

  refused(): void {
    this.door.dialled(this.client, null, this.ownerOf);
  }
}
