import { plainAddress } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import type { ForwardedBy } from "./headers.ts";

/** What a socket of this process belongs to; all sockets share one table of handlers. */
export interface SocketOwner {
  /** Bytes arrived; they are the owner's to keep and to change. */
  received(bytes: Buffer): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** The peer will send no more. */
  ended(): void;
  /** The socket is gone; `isReset` if it did not end in order. */
  closed(isReset: boolean): void;
}

/** A connected socket. */
export type Wire = Bun.Socket<SocketOwner>;

/** Makes the handlers that pass events on to the owner of each socket. */
export function socketHandlers(log: Log): Bun.SocketHandler<SocketOwner> {
  return {
    data: (socket, bytes) => socket.data.received(bytes),
    drain: (socket) => socket.data.drained(),
    end: (socket) => socket.data.ended(),
    close: (socket, error) => socket.data.closed(error !== undefined),
    error(socket, error) {
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

/** Gives the address of this host at which a peer reached it; empty once the connection is gone. */
export function localAddressOf(wire: Wire): string {
  const address: string | undefined = wire.localAddress;
  return plainAddress(address ?? "");
}

/** Gives who sends what comes over a client's connection. */
export function forwardedBy(
  { localAddress, localFamily, localPort }: Wire,
  remoteAddress: string,
): ForwardedBy {
  const local = localFamily === "IPv6" ? `[${localAddress}]` : localAddress;
  return {
    remoteAddress,
    localAuthority: `${local}:${localPort}`,
    lastHost: "",
    lastFields: "",
  };
}

/** The runtime's listen takes an inherited socket too; its types do not say so. */
interface ListenOnSocket {
  readonly fd: number;
  readonly allowHalfOpen: boolean;
  readonly data: SocketOwner;
  readonly socket: Bun.SocketHandler<SocketOwner>;
}

/** Accepts on an inherited listening socket. */
export function listenOn(
  fd: number,
  handlers: Bun.SocketHandler<SocketOwner>,
): Bun.SocketListener<SocketOwner> {
  const listen = Bun.listen as unknown as (options: ListenOnSocket) => Bun.SocketListener<SocketOwner>;
  return listen({ fd, allowHalfOpen: true, data: noOwner, socket: handlers });
}

/** Owns a socket that has no owner yet. */
export const noOwner: SocketOwner = {
  received: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};
