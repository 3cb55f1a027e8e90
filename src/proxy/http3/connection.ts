import type { QuicSession, SessionHandshakeInfo } from "node:quic";
import { errorText } from "../../base/system-error.ts";
import { drainIdleMs, type Engine, type OpenClient } from "../engine.ts";
import type { ForwardedBy } from "../headers.ts";
import { FloodBudget } from "../http2/flood-budget.ts";
import { HeadReader } from "../http2/head-reader.ts";
import type { Field } from "../http2/hpack-decoder.ts";
import { connectionWindow, listLimits } from "../http2/settings.ts";
import type { ServerStream } from "../http2/stream.ts";
import { judgePaces } from "../http2/stream-host.ts";
import type { Listener } from "../listener.ts";
import type { SecuredBy } from "../request-record.ts";
import type { Swept } from "../sweep.ts";
import { http3Code } from "./error-code.ts";
import type { FieldBlock } from "./fields.ts";
import type { RequestStream } from "./quic-stream.ts";
import { Http3Request } from "./request.ts";

/** What a client's connection is made of. */
export interface Http3ConnectionOptions {
  readonly engine: Engine;
  readonly listener: Listener;
  readonly by: ForwardedBy;
  readonly session: QuicSession;
  readonly handshake: SessionHandshakeInfo;
  /** Lets no more of the client's bodies come, or lets them come again. */
  readonly onHeld: (isHeld: boolean) => void;
  readonly onClosed: () => void;
}

/** Bytes that may wait for a server beyond the window: they come in packets too small to be held back. */
const mostHeldBytes = 8 * connectionWindow;

/** A client's connection in HTTP/3 (RFC 9114), with its requests. Frames, QPACK and QUIC itself are the runtime's. */
export class Http3Connection implements OpenClient, Swept {
  readonly engine: Engine;
  readonly listener: Listener;
  readonly by: ForwardedBy;
  readonly wire: SecuredBy;
  private readonly session: QuicSession;
  private readonly reader: HeadReader;
  private readonly onHeld: (isHeld: boolean) => void;
  private readonly onClosed: () => void;
  /** Bytes of bodies that servers have not taken yet. */
  private heldBytes = 0;
  private isHeld = false;
  private readonly budget: FloodBudget;
  private readonly requests = new Set<Http3Request>();
  private deadline: number;
  private isGoingAway = false;
  private isClosed = false;

  constructor({ by, engine, handshake, listener, onClosed, onHeld, session }: Http3ConnectionOptions) {
    this.engine = engine;
    this.listener = listener;
    this.by = by;
    this.session = session;
    this.onClosed = onClosed;
    this.onHeld = onHeld;
    this.wire = {
      getTLSVersion: () => handshake.cipherVersion,
      getCipher: () => ({ name: handshake.cipher }),
      getServername: () => handshake.servername,
      alpnProtocol: "h3",
    };
    this.reader = new HeadReader(this);
    this.budget = new FloodBudget(performance.now());
    this.deadline = engine.sweep.after(listener.plan.headTimeoutMs);
    engine.clients.add(this);
    engine.sweep.add(this);
    const closed = (): void => this.close();
    session.closed.then(closed, closed);
  }

  /** Takes a request. */
  accept(quic: RequestStream, block: FieldBlock): void {
    const request = new Http3Request(this, quic);
    this.requests.add(request);
    request.start(block);
  }

  /** Starts a request with its head; false if that is malformed. */
  begin(stream: ServerStream, fields: readonly Field[], endsStream: boolean): boolean {
    const limits = listLimits(this.listener.plan.headLimits);
    const bytes = fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    const isTooLarge = fields.length > limits.fields || bytes > limits.bytes;
    return this.reader.begin(stream, { endsStream, fields, isTooLarge });
  }

  /**
   * So many bytes wait now for servers, or fewer if less than 0. The runtime opens its windows whether they are taken or
   * not (QuicStream has no way to read less): the client's packets are dropped instead, but for small ones.
   */
  holds(bytes: number): void {
    this.heldBytes += bytes;
    if (this.heldBytes > mostHeldBytes) return this.cut();
    const isHeld = this.heldBytes > (this.isHeld ? connectionWindow / 2 : connectionWindow);
    if (isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    this.onHeld(isHeld);
  }

  /** The client has taken back a request, which costs it nothing: one that does so without end is cut off. */
  spend(): void {
    if (!this.isClosed && !this.budget.take(performance.now())) this.destroy(http3Code.excessiveLoad);
  }

  /** A request is over. */
  finished(request: Http3Request): void {
    this.requests.delete(request);
    if (this.isClosed || this.requests.size > 0) return;
    const { sweep } = this.engine;
    this.deadline = sweep.after(this.isToClose ? drainIdleMs : this.listener.plan.idleTimeoutMs);
    if (this.isToClose) this.closeSoon();
  }

  /** Does something that an event has brought about; if it breaks down one connection is lost, and the process goes on. */
  run(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Something of ours broke down. */
  failed(error: unknown): void {
    this.engine.log.error(
      `a connection was dropped: ${error instanceof Error ? error.stack : errorText(error)}`,
    );
    this.cut();
  }

  sweep(now: number): void {
    for (const request of this.requests) request.sweep(now);
    judgePaces(
      [...this.requests].map(({ stream }) => stream),
      now,
    );
    if (this.isClosed || this.requests.size > 0 || now < this.deadline) return;
    // A stream whose head never comes would keep it open.
    if (this.isGoingAway) this.cut();
    else this.end();
  }

  get localAddress(): string {
    return this.by.ends.destination.address;
  }

  get standing(): OpenClient["standing"] {
    if (this.isClosed) return "ended";
    if (this.requests.size > 0) return "in use";
    return this.isGoingAway ? "closing" : "idle";
  }

  get writtenBytes(): number {
    return Number(this.session.stats.bytesSent);
  }

  /**
   * Lets what was asked for be answered and takes no more (RFC 9114 §5.2). A process that drains hears no datagrams any more,
   * which are for the next one: clients are told so that they ask again at once.
   */
  closeSoon(): void {
    if (this.engine.isDraining) this.cut();
    else this.end();
  }

  end(): void {
    if (this.isClosed || this.isGoingAway) return;
    this.isGoingAway = true;
    this.deadline = this.engine.sweep.after(drainIdleMs);
    this.session.close().catch(() => undefined);
  }

  cut(): void {
    this.destroy(http3Code.none);
  }

  private destroy(code: bigint): void {
    this.session.destroy(undefined, { code, type: "application" });
    this.close();
  }

  private get isToClose(): boolean {
    const { departing, isDraining } = this.engine;
    return this.isGoingAway || isDraining || departing.has(this.localAddress);
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const request of this.requests) request.reset(request.stream, 0);
    this.requests.clear();
    this.engine.sweep.remove(this);
    this.engine.clients.delete(this);
    this.onClosed();
  }
}
