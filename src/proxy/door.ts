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
import { tlsOptions, type TlsOptions } from "./tls/tls-options.ts";

/** A connection that was accepted; the address is read once, as a client may reset it at any moment and has none then. */
export interface Accepted {
  readonly wire: Wire;
  readonly clientAddress: string;
}

/** What accepts on one socket; replaced as a whole when a plan comes into force. */
export interface Door {
  readonly server: Bun.SocketListener<SocketOwner>;
  accept: (client: Accepted) => void;
  /** What it shows to clients that name a host; null speaks in clear text. */
  book: CertificateBook | null;
}

/** What stands in the PEM files of a plan, by path. */
export type Credentials = Readonly<Record<string, string>>;

/** Accepts on an inherited socket; nobody is let in before `accept` is set. */
export function openDoor(engine: Engine, fd: number, options: TlsOptions | null): Door {
  const serverName = (_: unknown, name: string): NativeContext | undefined =>
    door.book?.find(name) ?? undefined;
  const open = (wire: Wire): void => {
    const clientAddress = peerAddressOf(wire);
    if (clientAddress === "") wire.terminate();
    else door.accept({ wire, clientAddress });
  };
  const close = (wire: Wire, error?: Error): void => {
    engine.connections.leave(wire);
    wire.data.closed(error !== undefined);
  };
  const tls = options === null ? null : { options, serverName };
  const door: Door = {
    accept: ({ wire }) => wire.terminate(),
    book: null,
    server: listenOn(fd, { ...engine.handlers, open, close }, tls),
  };
  return door;
}

/** Gives a client of a listener its owner: at once, or when keys are agreed on. */
export function openConnection(engine: Engine, listener: Listener, client: Accepted): void {
  const { clientAddress, wire } = client;
  const { headTimeoutMs, proxyProtocol, tls } = listener.plan;
  const { via } = engine.snapshot.plan;
  const ends = ownEnds(wire, clientAddress);
  if (sendsProxyHeader(proxyProtocol, clientAddress)) {
    const onRead = (told: ConnectionEnds | null): void => {
      if (!letInFrom(engine, listener, wire, (told ?? ends).source.address)) return;
      wire.data = clearTextOwner(engine, listener, wire, forwardedBy(wire, { ends: told ?? ends, via }));
    };
    wire.data = new ProxiedClient({ engine, wire, plan: proxyProtocol, peerAddress: clientAddress, onRead });
  } else if (!letInFrom(engine, listener, wire, clientAddress)) {
    return;
  } else if (tls === null) {
    wire.data = clearTextOwner(engine, listener, wire, forwardedBy(wire, { ends, via }));
  } else {
    wire.data = new Handshake(engine, wire, headTimeoutMs, (secured) => {
      const by = forwardedBy(secured, { ends, via, identity: identify(secured, tls.clients) });
      const isHttp2 = negotiatedProtocol(secured) === "h2";
      secured.data = makeOwner(isHttp2, engine, listener, { wire: secured, by });
    });
  }
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
export function doorOptions(plan: ProxyPlan, credentials: Credentials): Map<string, TlsOptions | null> {
  return new Map(
    plan.listeners.flatMap(({ http2, sockets, tls }) => {
      const protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
      const options = tls === null ? null : tlsOptions(tls, credentials, protocols);
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
