import { isIP } from "node:net";
import type { Endpoint } from "../../base/address.ts";
import { errorText, hasCode } from "../../base/system-error.ts";
import type { SocketOwner, Wire } from "../sockets.ts";
import type { StreamDialler, Streams } from "./streams.ts";

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

const refusal = "connection refused";

/** Gives up a connection that has not come about; nothing is told of it any more. */
export type GiveUp = () => void;

/** Under TLS the runtime has the socket, which it cannot be asked to give up. */
const leftToRuntime: GiveUp = () => undefined;

/** Connects to a server, in clear text with a socket of our own. What comes of it is told later than this returns. */
export function connectTo(
  { handlers, streams }: ConnectContext,
  endpoint: Endpoint,
  tls: RuntimeTls | null,
  connecting: Connecting,
): GiveUp {
  const { opened, owner, refused } = connecting;
  if (tls === null && isIP(endpoint.address) !== 0) return dial(streams, endpoint, new Call(connecting));
  Bun.connect<SocketOwner>({
    hostname: endpoint.address,
    port: endpoint.port,
    allowHalfOpen: true,
    ...(tls === null ? {} : { tls }),
    data: owner,
    socket: { ...handlers, open: opened },
  }).catch((error: unknown) => refused(hasCode(error, "ECONNREFUSED") ? refusal : String(error)));
  return leftToRuntime;
}

/** Connects to an address in clear text. What comes of it is told later than this returns. */
export function dial(streams: Streams, endpoint: Endpoint, dialler: StreamDialler): GiveUp {
  try {
    return streams.connect(endpoint, dialler);
  } catch (error) {
    let isGivenUp = false;
    queueMicrotask(() => {
      if (!isGivenUp) dialler.refused(errorText(error));
    });
    return () => void (isGivenUp = true);
  }
}

/** Gives the socket to its owner before anybody hears of it. */
class Call implements StreamDialler {
  private readonly connecting: Connecting;

  constructor(connecting: Connecting) {
    this.connecting = connecting;
  }

  connected(wire: Wire): void {
    wire.data = this.connecting.owner;
    this.connecting.opened(wire);
  }

  refused(reason: string): void {
    this.connecting.refused(reason === "ECONNREFUSED" ? refusal : reason);
  }
}
