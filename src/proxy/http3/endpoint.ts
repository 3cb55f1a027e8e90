import type { QuicEndpoint, QuicSession, SessionHandshakeInfo, SNIEntry } from "node:quic";
import { formatEndpoint, type Endpoint } from "../../base/address.ts";
import { errorText } from "../../base/system-error.ts";
import { letIn, letInFrom } from "../connection-limits.ts";
import type { Engine } from "../engine.ts";
import type { Flow } from "../flow.ts";
import { connectionWindow, maxStreams, streamWindow } from "../http2/settings.ts";
import type { Listener } from "../listener.ts";
import { Http3Connection } from "./connection.ts";
import type { FieldBlock } from "./fields.ts";
import { QuicFlows } from "./quic-flows.ts";
import { handshakeMs, quietS } from "./quic-timing.ts";
import type { RequestStream } from "./quic-stream.ts";

const loopback = "127.0.0.1";

/**
 * What the runtime leaves out of a request is beyond these, without a word: they are more than any head that a listener
 * lets in, which is then answered with 431.
 */
const mostFields = 1024;
const mostHeadBytes = 4 * 1024 * 1024;

/** All clients of a process have one address here. The flows of the process are what is limited. */
const anyNumber = 65_535;

/** After that an endpoint that has failed is opened again. */
const againMs = 10_000;

/** The last packets of connections are sent by then. */
const goodbyeMs = 100;

/** What an endpoint is made of. */
export interface Http3EndpointOptions {
  readonly engine: Engine;
  /** The listener as it is by now; null if it has none yet. */
  readonly listener: () => Listener | null;
  readonly identities: Record<string, SNIEntry>;
}

/**
 * The end of QUIC of one listener: a socket of the runtime's own on the loopback address. The datagrams of clients come to
 * the sockets that the supervisor holds, and are handed on over a flow for each client.
 */
export class Http3Endpoint {
  readonly flows: QuicFlows;
  private readonly options: Http3EndpointOptions;
  private readonly connections = new Set<Http3Connection>();
  private quic: QuicEndpoint | null = null;
  private at: Endpoint | null = null;
  private identities: Record<string, SNIEntry>;
  private isClosed = false;

  constructor(options: Http3EndpointOptions) {
    this.options = options;
    this.identities = options.identities;
    this.flows = new QuicFlows(() => this.at);
    this.begin();
  }

  /** Shows other certificates to those who come from now on. */
  show(identities: Record<string, SNIEntry>): void {
    this.identities = identities;
    this.quic?.setSNIContexts(identities, { replace: true });
  }

  /** Ends it, with the connections that are left, which are told. */
  close(): void {
    this.isClosed = true;
    this.at = null;
    for (const connection of this.connections) connection.cut();
    setTimeout(() => this.quic?.destroy(), goodbyeMs);
  }

  private begin(): void {
    if (this.isClosed) return;
    this.open().catch((error: unknown) => {
      this.options.engine.log.error(`no HTTP/3 is spoken: ${errorText(error)}`);
      this.beginLater();
    });
  }

  /** Clients are told of it all the while, and come over TCP meanwhile. */
  private beginLater(): void {
    setTimeout(() => this.begin(), againMs).unref();
  }

  private async open(): Promise<void> {
    const { log } = this.options.engine;
    // Whoever speaks no HTTP/3 does not load it.
    const { listen } = await import("node:quic");
    const { identities } = this;
    const quic = await listen((session) => this.greet(session), {
      alpn: ["h3"],
      sni: identities,
      endpoint: {
        address: `${loopback}:0`,
        maxConnectionsPerHost: anyNumber,
        maxConnectionsTotal: anyNumber,
        sessionCreationRate: anyNumber,
        sessionCreationBurst: anyNumber,
      },
      // A request that comes with the first packets could be one that somebody has recorded (RFC 8470).
      enableEarlyData: false,
      handshakeTimeout: handshakeMs,
      application: {
        maxHeaderPairs: mostFields,
        maxHeaderLength: mostHeadBytes,
        enableConnectProtocol: true,
        enableDatagrams: false,
      },
      maxStreamWindow: 2 * streamWindow,
      maxWindow: 2 * connectionWindow,
      transportParams: {
        maxIdleTimeout: quietS,
        initialMaxStreamsBidi: maxStreams,
        initialMaxStreamDataBidiRemote: streamWindow,
        initialMaxData: connectionWindow,
      },
    });
    const ended = (): void => {
      this.at = null;
      this.quic = null;
      if (!this.isClosed) this.beginLater();
    };
    quic.closed.then(ended, (error: unknown) => {
      ended();
      log.error(`HTTP/3 has ended: ${errorText(error)}`);
    });
    this.quic = quic;
    if (this.isClosed) return this.close();
    if (identities !== this.identities) this.show(this.identities);
    this.at = { address: loopback, port: quic.address?.port ?? 0 };
    log.info(`HTTP/3 is experimental: QUIC is spoken behind ${formatEndpoint(this.at)}`);
  }

  /** Waits for the keys of a client that has come: then it is known from which port. */
  private greet(session: QuicSession): void {
    let connection: Http3Connection | null = null;
    session.onerror = () => undefined;
    session.onhandshake = (handshake) => {
      const flow = this.flows.find(handshake.remote.port);
      connection = flow === undefined ? null : this.connect(session, handshake, flow);
      if (connection === null) session.destroy();
    };
    session.onstream = (stream) => {
      const known = connection;
      stream.onerror = () => undefined;
      if (stream.direction !== "bidi") return;
      // The runtime breaks down over a head that nobody asks for.
      stream.onheaders = (block: FieldBlock) => known?.accept(stream as unknown as RequestStream, block);
    };
  }

  private connect(session: QuicSession, handshake: SessionHandshakeInfo, flow: Flow): Http3Connection | null {
    const { engine } = this.options;
    const listener = this.options.listener();
    const [socket] = listener?.plan.sockets ?? [];
    if (engine.isDraining || listener === null || socket === undefined) return null;
    const { clientAddress, clientPort, localAddress } = flow.client;
    const limited = { terminate: () => session.destroy() };
    if (!letIn(engine, listener, limited) || !letInFrom(engine, listener, limited, clientAddress))
      return null;
    const destination = { address: localAddress, port: socket.port };
    this.flows.connect(flow);
    const connection: Http3Connection = new Http3Connection({
      engine,
      listener,
      session,
      handshake,
      by: {
        remoteAddress: clientAddress,
        ends: { source: { address: clientAddress, port: clientPort }, destination },
        localAuthority: formatEndpoint(destination),
        scheme: "https",
        certificateFields: "",
        via: engine.snapshot.plan.via,
        refusal: null,
        lastHost: "",
        lastAdded: "",
        lastMinor: -1,
        lastFields: "",
      },
      onHeld: (isHeld) => {
        flow.isHeld = isHeld;
      },
      onClosed: () => {
        engine.connections.leave(limited);
        this.connections.delete(connection);
        this.flows.disconnect(flow);
      },
    });
    this.connections.add(connection);
    return connection;
  }
}
