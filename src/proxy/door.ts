import { formatEndpoint } from "../base/address.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { ClientConnection } from "./client-connection.ts";
import type { Engine } from "./engine.ts";
import type { Listener } from "./listener.ts";
import { forwardedBy, listenOn, ownEnds, peerAddressOf, type SocketOwner, type Wire } from "./sockets.ts";
import type { ConnectionEnds } from "./proxy-header-reader.ts";
import { ProxiedClient, sendsProxyHeader } from "./proxied-client.ts";
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
  const tls = options === null ? null : { options, serverName };
  const door: Door = {
    accept: ({ wire }) => wire.terminate(),
    book: null,
    server: listenOn(fd, { ...engine.handlers, open }, tls),
  };
  return door;
}

/** Gives a client of a listener its owner: at once, or when keys are agreed on. */
export function openConnection(engine: Engine, listener: Listener, client: Accepted): void {
  const { clientAddress, wire } = client;
  const { headTimeoutMs, proxyProtocol, tls } = listener.plan;
  if (sendsProxyHeader(proxyProtocol, clientAddress)) {
    const onRead = (ends: ConnectionEnds | null): void => {
      const by = forwardedBy(wire, ends ?? ownEnds(wire, clientAddress));
      wire.data = new ClientConnection(engine, listener, wire, by);
    };
    wire.data = new ProxiedClient({ engine, wire, plan: proxyProtocol, peerAddress: clientAddress, onRead });
    return;
  }
  if (tls === null) {
    wire.data = new ClientConnection(engine, listener, wire, forwardedBy(wire, ownEnds(wire, clientAddress)));
    return;
  }
  wire.data = new Handshake(engine, wire, headTimeoutMs, (secured) => {
    const by = forwardedBy(secured, ownEnds(secured, clientAddress), identify(secured, tls.clients));
    secured.data = new ClientConnection(engine, listener, secured, by);
  });
}

/** What each endpoint of a plan needs to be opened; null speaks in clear text. */
export function doorOptions(plan: ProxyPlan, credentials: Credentials): Map<string, TlsOptions | null> {
  return new Map(
    plan.listeners.flatMap(({ sockets, tls }) => {
      const options = tls === null ? null : tlsOptions(tls, credentials, ["http/1.1"]);
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
