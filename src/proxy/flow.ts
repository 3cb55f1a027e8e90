import type { Endpoint } from "../base/address.ts";
import { hasCode } from "../base/system-error.ts";
import { connectTo, type ServerSocket } from "./datagram-socket.ts";
import type { Caller } from "./selection/scheduler.ts";
import type { Carrier } from "./server-load.ts";
import type { RelayServer } from "./snapshot.ts";

/** What a server is to blame for: nothing listens there, or it cannot be reached. */
const unreachable = ["ECONNREFUSED", "EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "EACCES"] as const;

/** A longer datagram is not kept for another server: as many as there may be flows would be too much. */
const mostKeptBytes = 2048;

/**
 * For so long a flow's socket to this process itself outlives the flow, and drops what comes. Where clients close theirs at once
 * the runtime's QUIC stops reading now and then until the next datagram comes, from whomever.
 */
export const afterlifeMs = 6_000;

/** Of a flow that is held, what is longer brings data; what is shorter says what has arrived, and that somebody is there. */
const mostWordBytes = 200;

/** What a flow belongs to. */
export interface FlowOwner {
  /** Gives a deadline for a flow in which something has just passed. */
  idleBy(flow: Flow): number;
  /** Passes a server's datagram on. */
  answer(flow: Flow, bytes: Buffer): void;
  /** The client went on after an answer. */
  settled(flow: Flow): void;
  /** Its socket is there. */
  opened(flow: Flow): void;
  /** The flow is over. */
  ended(flow: Flow): void;
  /** Takes a datagram that never reached a server to another. */
  retry(flow: Flow, bytes: Buffer, tried: readonly RelayServer[]): void;
  /** This process could open no socket. */
  failedHere(error: unknown): void;
  /** A server cannot be reached. */
  suspect(server: RelayServer): void;
}

/** Where a flow leads. */
export interface FlowTarget {
  /** Null is the sorry server. */
  readonly server: RelayServer | null;
  readonly endpoint: Endpoint;
  /** Whether that is a socket of this process's own. */
  readonly isLocal?: boolean;
}

/** A client's datagrams to one server and its answers, over a socket of their own. */
export class Flow implements Carrier {
  readonly key: string;
  readonly client: Caller;
  readonly endpoint: Endpoint;
  readonly isLocal: boolean;
  /** Whether the client's data is dropped, for too much of it waits. */
  isHeld = false;
  server: RelayServer | null;
  /** The port that its datagrams leave from; null before its socket is there. */
  localPort: number | null = null;
  readonly carried = { toServer: 0, toClient: 0 };
  private readonly owner: FlowOwner;
  private readonly tried: readonly RelayServer[];
  private socket: ServerSocket | null = null;
  private waiting: Buffer[] = [];
  /** The last datagram since the server's last: it is lost if the server was not there. */
  private unanswered: Buffer | null = null;
  private hasAnswered = false;
  private isOver = false;
  private deadline: number;

  constructor(
    owner: FlowOwner,
    key: string,
    client: Caller,
    { server, endpoint, isLocal, tried }: FlowTarget & { readonly tried: readonly RelayServer[] },
  ) {
    this.owner = owner;
    this.key = key;
    this.client = client;
    this.server = server;
    this.endpoint = endpoint;
    this.isLocal = isLocal ?? false;
    this.tried = tried;
    this.deadline = owner.idleBy(this);
    server?.load.opened();
    server?.load.carries(this);
    void this.open();
  }

  /** Takes a datagram of the client's to the server. */
  send(bytes: Buffer): void {
    this.deadline = this.owner.idleBy(this);
    if (this.isHeld && bytes.length > mostWordBytes) return;
    if (this.hasAnswered) this.owner.settled(this);
    if (this.socket === null) this.waiting.push(bytes);
    else this.pass(this.socket, bytes);
  }

  /** Ends it if nothing has passed for too long. */
  sweep(now: number): void {
    if (now >= this.deadline) this.end();
  }

  /** Ends it. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.server?.load.ended(this);
    const { socket } = this;
    if (this.isLocal) setTimeout(() => socket?.close(), afterlifeMs);
    else socket?.close();
    this.owner.ended(this);
  }

  cut(): void {
    this.end();
  }

  private async open(): Promise<void> {
    let socket: ServerSocket;
    try {
      socket = await connectTo(this.endpoint, {
        data: (_, bytes) => this.answered(bytes),
        failed: (error) => this.failed(error),
      });
    } catch (error) {
      this.unanswered = this.waiting.at(-1) ?? null;
      if (hasCode(error, ...unreachable)) this.failed(error);
      else this.cannotOpen(error);
      return;
    }
    if (this.isOver) {
      socket.close();
      return;
    }
    this.socket = socket;
    this.localPort = socket.address.port;
    this.owner.opened(this);
    for (const bytes of this.waiting) this.pass(socket, bytes);
    this.waiting = [];
  }

  private pass(socket: ServerSocket, bytes: Buffer): void {
    this.carried.toServer += bytes.length;
    this.unanswered = bytes.length > mostKeptBytes ? null : bytes;
    try {
      // Where the kernel has no room for it, it is lost, as it would be on a wire.
      socket.send(bytes);
    } catch (error) {
      this.failed(error);
    }
  }

  private answered(bytes: Buffer): void {
    if (this.isOver) return;
    this.deadline = this.owner.idleBy(this);
    this.carried.toClient += bytes.length;
    this.hasAnswered = true;
    this.unanswered = null;
    this.owner.answer(this, bytes);
  }

  private failed(error: unknown): void {
    // A datagram that is too long, say, is the client's affair.
    if (this.isOver || !hasCode(error, ...unreachable)) return;
    const { server, unanswered } = this;
    this.end();
    if (server === null) return;
    server.load.failedClient();
    this.owner.suspect(server);
    if (unanswered !== null) this.owner.retry(this, unanswered, [...this.tried, server]);
  }

  private cannotOpen(error: unknown): void {
    this.end();
    this.owner.failedHere(error);
  }
}
