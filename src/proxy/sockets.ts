import { plainAddress } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { hasCode } from "../base/system-error.ts";
import type { ForwardedBy } from "./headers.ts";
import type { ConnectionEnds } from "./proxy-header-reader.ts";
import type { NativeContext } from "./tls/certificate-book.ts";
import type { ClientIdentity } from "./tls/client-certificate.ts";
import type { TlsOptions } from "./tls/tls-options.ts";

/** What a socket of this process belongs to; all sockets share one table of handlers. */
export interface SocketOwner {
  /** Bytes arrived; they are the owner's to keep and to change. `head` is where what they begin with stands in `foundHeads`, or 0. */
  received(bytes: Buffer, head?: number): void;
  /** The same, for those who can do with `length` bytes at the beginning of what goes on behind them. */
  receivedShort?(bytes: Buffer, length: number, head: number): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** The peer will send no more. */
  ended(): void;
  /** The socket is gone; `isReset` if it did not end in order. */
  closed(isReset: boolean): void;
  /** The handshake of TLS is over; `hasFailed` if there are no keys, `complaint` is what the runtime has against the peer. */
  secured?(hasFailed: boolean, complaint: Error | null): void;
  /** TLS broke down: the peer has refused us, or speaks something else. */
  broken?(reason: Error): void;
}

/** A place where bytes are put together. */
export interface Room {
  readonly bytes: Buffer;
  /** Where they begin. */
  start: number;
}

/** A connected socket: one of our own (streams/), or the runtime's. */
export interface Wire {
  data: SocketOwner;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly localFamily: string;
  /** Writes what there is room for; gives how many bytes, or -1 if the socket is gone. */
  write(bytes: Buffer, offset: number, length: number): number;
  /** Where what is written next may be put together, so that it need not be copied; null if that gains nothing now. */
  room?(): Room | null;
  /** Closes it in order. */
  end(): void;
  /** Ends our half. */
  shutdown(): void;
  /** Closes it; the peer sees a reset. */
  terminate(): void;
  pause(): void;
  resume(): void;
  /** Asks the system whether nothing has come that was not told of yet, not even an end; not known of the runtime's. */
  isQuiet?(): boolean;
  /**
   * Gives how many of the bytes that were written last have certainly not reached the peer: they could not be sent, or it had not got
   * them when it ended its half. Not known of the runtime's.
   */
  unheard?(): number;
  /** Gives how many bytes the peer's system has acknowledged so far, or -1; not known of the runtime's, which have a descriptor. */
  acknowledged?(): number;
  readonly fd?: number;
  /** Of sockets under TLS. */
  getTLSVersion(): string | null;
  getCipher(): { readonly name: string } | undefined;
  getServername(): string | false | null | undefined;
}

/** Makes the handlers that pass events on to the owner of each socket. */
export function socketHandlers(log: Log): Bun.SocketHandler<SocketOwner> {
  return {
    data: (socket, bytes) => socket.data.received(bytes),
    drain: (socket) => socket.data.drained(),
    end: (socket) => socket.data.ended(),
    handshake: (socket, isDone, complaint) => socket.data.secured?.(!isDone, complaint),
    close: (socket, error) => socket.data.closed(error !== undefined),
    error(socket, error) {
      if (socket.data.broken !== undefined && hasCode(error, "EPROTO")) {
        socket.data.broken(error);
        return;
      }
      // Only a handler that threw comes here: one connection is lost, the process goes on.
      log.error(`a connection was dropped: ${error.stack ?? error.message}`);
      socket.terminate();
    },
  };
}

/** Gives the address of a peer; empty if it has reset the connection, also before the runtime tells of that. */
export function peerAddressOf(wire: Wire): string {
  const address: string | undefined = wire.remoteAddress;
  return plainAddress(address ?? "");
}

const outerOf = new WeakMap<Wire, Wire>();

/** Notes that what comes over one socket came over another before: whoever asks where the client reached us means that one. */
export function isBehind(inner: Wire, outer: Wire): void {
  outerOf.set(inner, outer);
}

/** Gives the address of this host at which a peer reached it; empty once the connection is gone. */
export function localAddressOf(wire: Wire): string {
  const address: string | undefined = (outerOf.get(wire) ?? wire).localAddress;
  return plainAddress(address ?? "");
}

/** Gives the ends of a client's connection; its address is as it was when the connection was accepted. */
export function ownEnds(wire: Wire, clientAddress: string): ConnectionEnds {
  return {
    source: { address: clientAddress, port: wire.remotePort },
    destination: { address: localAddressOf(wire), port: wire.localPort },
  };
}

/** What is known of a client's connection beside its own addresses. */
export interface KnownOfClient {
  readonly ends: ConnectionEnds;
  /** What this proxy calls itself. */
  readonly via: string;
  /** Null where it speaks in clear text. */
  readonly identity?: ClientIdentity | null;
}

/** Gives who sends what comes over a client's connection. */
export function forwardedBy(
  { localAddress, localFamily, localPort }: Pick<Wire, "localAddress" | "localFamily" | "localPort">,
  { ends, identity = null, via }: KnownOfClient,
): ForwardedBy {
  const local = localFamily === "IPv6" ? `[${localAddress}]` : localAddress;
  return {
    remoteAddress: ends.source.address,
    ends,
    localAuthority: `${local}:${localPort}`,
    scheme: identity === null ? "http" : "https",
    certificateFields: identity?.fields ?? "",
    via,
    refusal: identity?.refusal ?? null,
    lastHost: "",
    lastAdded: "",
    lastMinor: -1,
    lastFields: "",
  };
}

/** Gives the protocol that was agreed on by ALPN (RFC 7301), or null; the runtime's types do not know of it. */
export function negotiatedProtocol(wire: Wire): string | null {
  const { alpnProtocol } = wire as unknown as { readonly alpnProtocol: string | false | null };
  return typeof alpnProtocol === "string" ? alpnProtocol : null;
}

/** Gives the certificate for the host that a client names, in the runtime's form; undefined takes the listener's own. */
export type ServerNameHandler = (data: unknown, serverName: string) => NativeContext | undefined;

/** An inherited listening socket, or where to open one; port 0 is any. */
export type ListeningPlace = { readonly fd: number } | { readonly hostname: string; readonly port: number };

/** The runtime's listen takes an inherited socket and chooses certificates too; its types do not say so. */
type ListenOnSocket = ListeningPlace & {
  readonly allowHalfOpen: boolean;
  readonly data: SocketOwner;
  readonly socket: Bun.SocketHandler<SocketOwner> & { readonly serverName?: ServerNameHandler };
  readonly tls?: TlsOptions;
};

/** How a listening socket speaks TLS. */
export interface ListenTls {
  readonly options: TlsOptions;
  /** Asked for each connection. */
  readonly serverName: ServerNameHandler;
}

/** Accepts connections. */
export function listenOn(
  at: ListeningPlace,
  handlers: Bun.SocketHandler<SocketOwner>,
  tls: ListenTls | null,
): Bun.SocketListener<SocketOwner> {
  const listen = Bun.listen as unknown as (options: ListenOnSocket) => Bun.SocketListener<SocketOwner>;
  const plain = { ...at, allowHalfOpen: true, data: noOwner };
  if (tls === null) return listen({ ...plain, socket: handlers });
  return listen({ ...plain, socket: { ...handlers, serverName: tls.serverName }, tls: tls.options });
}

/** Owns a socket that has no owner yet. */
export const noOwner: SocketOwner = {
  received: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};
