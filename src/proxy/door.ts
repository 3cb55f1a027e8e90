import { formatEndpoint } from "../base/address.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { ClientConnection } from "./client-connection.ts";
import { letInFrom } from "./connection-limits.ts";
import type { Engine } from "./engine.ts";
import type { ForwardedBy } from "./headers.ts";
import { Http2Connection } from "./http2/connection.ts";
import type { Listener } from "./listener.ts";
import { Prologue } from "./prologue.ts";
import { ProxiedClient, sendsProxyHeader } from "./proxied-client.ts";
import type { ConnectionEnds } from "./proxy-header-reader.ts";
import {
  forwardedBy,
  listenOn,
  negotiatedProtocol,
  ownEnds,
  peerAddressOf,
  type SocketOwner,
  type Wire,
} from "./sockets.ts";
import { CertificateBook, type NativeContext } from "./tls/certificate-book.ts";
import { identify } from "./tls/client-certificate.ts";
import { Handshake } from "./tls/handshake.ts";
import { InnerDoor } from "./tls/inner-door.ts";
import { tlsOptions, type TlsOptions } from "./tls/tls-options.ts";

/** A connection that was accepted; the address is read once, as a client may reset it at any moment and has none then. */
export interface Accepted {
  readonly wire: Wire;
  readonly clientAddress: string;
  /** Where its TLS begins, if bytes in clear text come before; null is at once, or there is none. */
  readonly inner: InnerDoor | null;
}

/** What accepts on one socket; replaced as a whole when a plan comes into force. */
export interface Door {
  /** Accepts no more. */
  readonly stop: () => void;
  accept: (client: Accepted) => void;
  /** What it shows to clients that name a host; null speaks in clear text. */
  book: CertificateBook | null;
}

/** What stands in the PEM files of a plan, by path. */
export type Credentials = Readonly<Record<string, string>>;

/** How an endpoint is opened. */
export interface DoorOptions {
  readonly tls: TlsOptions;
  /** Whether something in clear text may come before TLS. */
  readonly isFronted: boolean;
}

/** Accepts TLS on an inherited socket; nobody is let in before `accept` is set. */
export function openDoor(engine: Engine, fd: number, options: DoorOptions): Door {
  const serverName = (_: unknown, name: string): NativeContext | undefined =>
    door.book?.find(name) ?? undefined;
  const open = (wire: Wire): void => {
    const clientAddress = peerAddressOf(wire);
    inner?.comes(wire);
    if (clientAddress === "") wire.terminate();
    else door.accept({ wire, clientAddress, inner });
  };
  const close = (wire: Wire, error?: Error): void => {
    engine.connections.leave(wire);
    inner?.settled(wire);
    wire.data.closed(error !== undefined);
  };
  const tls = { options: options.tls, serverName };
  const inner = options.isFronted ? new InnerDoor(engine, tls) : null;
  const server = listenOn({ fd }, { ...engine.handlers, open, close }, inner === null ? tls : null);
  const door: Door = {
    accept: ({ wire }) => wire.terminate(),
    book: null,
    stop: () => {
      server.stop();
      inner?.leave();
    },
  };
  return door;
}

/** Accepts in clear text on an inherited socket; nobody is let in before `accept` is set. */
export function openStreamDoor(engine: Engine, fd: number): Door {
  const stop = engine.streams.listen(fd, {
    opened: (wire) => {
      const clientAddress = peerAddressOf(wire);
      if (clientAddress === "") wire.terminate();
      else door.accept({ wire, clientAddress, inner: null });
    },
    closed: (wire) => engine.connections.leave(wire),
  });
  const door: Door = { accept: ({ wire }) => wire.terminate(), book: null, stop };
  return door;
}

/** Gives a client of a listener its owner: at once, or when it is known who it is and keys are agreed on. */
export function openConnection(engine: Engine, listener: Listener, client: Accepted): void {
  const { clientAddress, wire } = client;
  const { proxyProtocol } = listener.plan;
  const ends = ownEnds(wire, clientAddress);
  const onRead = (told: ConnectionEnds | null): void => {
    if (letInFrom(engine, listener, wire, (told ?? ends).source.address))
      admit(engine, listener, client, told ?? ends);
  };
  if (sendsProxyHeader(proxyProtocol, clientAddress))
    wire.data = new ProxiedClient({ engine, wire, plan: proxyProtocol, peerAddress: clientAddress, onRead });
  else onRead(null);
}

function admit(engine: Engine, listener: Listener, { inner, wire }: Accepted, ends: ConnectionEnds): void {
  const { headTimeoutMs, tls } = listener.plan;
  const { via } = engine.snapshot.plan;
  if (tls === null) {
    wire.data = clearTextOwner(engine, listener, wire, forwardedBy(wire, { ends, via }));
    return;
  }
  // As it is now: the outer socket may be gone when keys are agreed on.
  const { localAddress, localFamily, localPort } = wire;
  const handshakeOn = (socket: Wire): SocketOwner =>
    new Handshake(engine, socket, headTimeoutMs, (secured) => {
      const identity = identify(secured, tls.clients);
      const by = forwardedBy({ localAddress, localFamily, localPort }, { ends, via, identity });
      const isHttp2 = negotiatedProtocol(secured) === "h2";
      secured.data = makeOwner(isHttp2, engine, listener, { wire: secured, by });
    });
  if (inner === null) wire.data = handshakeOn(wire);
  else inner.pass(wire, handshakeOn);
}

/** Gives a socket in clear text its owner, at once or when its first bytes tell the version of HTTP. */
function clearTextOwner(engine: Engine, listener: Listener, wire: Wire, by: ForwardedBy): SocketOwner {
  const { headTimeoutMs, http2 } = listener.plan;
  if (!http2) return new ClientConnection(engine, listener, wire, by);
  return new Prologue(engine, wire, headTimeoutMs, (isHttp2) =>
    makeOwner(isHttp2, engine, listener, { wire, by }),
  );
}

function makeOwner(
  isHttp2: boolean,
  engine: Engine,
  listener: Listener,
  { by, wire }: { readonly wire: Wire; readonly by: ForwardedBy },
): SocketOwner {
  return isHttp2
    ? new Http2Connection(engine, listener, wire, by)
    : new ClientConnection(engine, listener, wire, by);
}

/** What each endpoint of a plan needs to be opened; null speaks in clear text. */
export function doorOptions(plan: ProxyPlan, credentials: Credentials): Map<string, DoorOptions | null> {
  return new Map(
    plan.listeners.flatMap(({ http2, proxyProtocol, sockets, tls }) => {
      const protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
      const isFronted = proxyProtocol !== null;
      const options = tls === null ? null : { tls: tlsOptions(tls, credentials, protocols), isFronted };
      return sockets.map((at) => [formatEndpoint(at), options] as const);
    }),
  );
}

/** Reads the certificates of every endpoint under TLS; throws, naming the file, if one is of no use. */
export function certificateBooks(plan: ProxyPlan, credentials: Credentials): Map<string, CertificateBook> {
  const books = new Map<string, CertificateBook>();
  for (const { sockets, tls } of plan.listeners) {
    const book = tls === null ? null : new CertificateBook(tls, credentials);
    if (book !== null) for (const at of sockets) books.set(formatEndpoint(at), book);
  }
  return books;
}
