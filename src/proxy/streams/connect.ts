import { isIP } from "node:net";
import type { Endpoint } from "../../base/address.ts";
import { errorText, hasCode } from "../../base/system-error.ts";
import type { SocketOwner, Wire } from "../sockets.ts";
import type { Streams } from "./streams.ts";

/** What sockets to servers are made with. */
export interface ConnectContext {
  readonly handlers: Bun.SocketHandler<SocketOwner>;
  readonly streams: Streams;
}

/** Who waits for a server. */
export interface Connecting {
  /** Owns the socket once it is there. */
  readonly owner: SocketOwner;
  readonly opened: (wire: Wire) => void;
  /** No connection came about. */
  readonly refused: (reason: string) => void;
}

type RuntimeTls = NonNullable<Bun.TCPSocketConnectOptions<SocketOwner>["tls"]>;

const connectionRefused = 111;

/** Connects to a server: in clear text with a socket of our own, where there are such. What comes of it is told later than this returns. */
export function connectTo(
  { handlers, streams }: ConnectContext,
  { address, port }: Endpoint,
  tls: RuntimeTls | null,
  { opened, owner, refused }: Connecting,
): void {
  if (tls === null && isIP(address) !== 0) {
    const onRefused = (code: number): void =>
      refused(code === connectionRefused ? "connection refused" : `errno ${code}`);
    try {
      streams.connect(
        { address, port },
        {
          connected: (wire) => {
            wire.data = owner;
            opened(wire);
          },
          refused: onRefused,
        },
      );
    } catch (error) {
      queueMicrotask(() => refused(errorText(error)));
    }
    return;
  }
  Bun.connect<SocketOwner>({
    hostname: address,
    port,
    allowHalfOpen: true,
    ...(tls === null ? {} : { tls }),
    data: owner,
    socket: { ...handlers, open: opened },
  }).catch((error: unknown) =>
    refused(hasCode(error, "ECONNREFUSED") ? "connection refused" : String(error)),
  );
}
