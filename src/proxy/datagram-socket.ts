import { familyOf, type Endpoint } from "../base/address.ts";

/** Datagrams to one server and back. */
export type ServerSocket = Bun.udp.ConnectedSocket<"buffer">;

/** Datagrams of clients and answers to them. */
export type ClientSocket = Bun.udp.Socket<"buffer">;

/** The runtime takes an inherited socket too; its types do not say so. */
interface InheritedSocket {
  readonly fd: number;
  readonly socket: Bun.udp.SocketHandler<"buffer">;
}

/** Receives on an inherited socket. */
export function receiveOn(fd: number, handlers: Bun.udp.SocketHandler<"buffer">): Promise<ClientSocket> {
  const open = Bun.udpSocket as unknown as (options: InheritedSocket) => Promise<ClientSocket>;
  return open({ fd, socket: handlers });
}

/**
 * Opens a socket of its own towards a server: nobody else's datagrams come in, and what ICMP says of it comes as an error. The
 * runtime throws in this very turn where there is no descriptor or no way left: here that is told later, as all else.
 */
export async function connectTo(
  { address, port }: Endpoint,
  handlers: {
    readonly data: (from: ServerSocket, bytes: Buffer) => void;
    readonly failed: (error: Error) => void;
  },
): Promise<ServerSocket> {
  return Bun.udpSocket({
    hostname: familyOf(address) === 6 ? "::" : "0.0.0.0",
    connect: { hostname: address, port },
    socket: {
      data: handlers.data,
      // The types promise the socket too: there is only the error.
      error: handlers.failed as unknown as (socket: ServerSocket) => void,
    },
  });
}
