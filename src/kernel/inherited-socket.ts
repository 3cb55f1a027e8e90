import { familyOf, type Endpoint } from "../base/address.ts";
import { toHex } from "../base/bytes.ts";
import { internetAddress } from "../base/internet-address.ts";
import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { holdConnections } from "./listen.ts";
import {
  AF_INET6,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_V6ONLY,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  SO_PROTOCOL,
  SO_REUSEPORT,
} from "./socket-constants.ts";

/** Says where a socket listens in a form that can be compared with `listenerKeyOf`. */
export function listenerKey(protocol: "tcp" | "udp", endpoint: Endpoint): string {
  return `${protocol} ${toHex(internetAddress(endpoint))}`;
}

/** Says where a descriptor listens, or gives null if it is none that `listenTcp` or `listenUdp` could have opened. */
export function listenerKeyOf(fd: number): string | null {
  try {
    const name = native.getName(fd);
    const isV6 = name[0] === AF_INET6;
    const isStream = option(fd, SOL_SOCKET, SO_PROTOCOL) === IPPROTO_TCP;
    const isFit =
      (isStream || option(fd, SOL_SOCKET, SO_PROTOCOL) === IPPROTO_UDP) &&
      option(fd, SOL_SOCKET, SO_ACCEPTCONN) === (isStream ? 1 : 0) &&
      option(fd, SOL_SOCKET, SO_REUSEPORT) === 1 &&
      (!isV6 || option(fd, IPPROTO_IPV6, IPV6_V6ONLY) === 1);
    return isFit ? `${isStream ? "tcp" : "udp"} ${toHex(name)}` : null;
  } catch (error) {
    // Not a socket at all, or not one of the kind.
    if (error instanceof SystemError) return null;
    throw error;
  }
}

function option(fd: number, level: number, name: number): number {
  const value = native.getOption(fd, level, name, 4);
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getInt32(0, true);
}

/**
 * Makes an inherited descriptor one like those that are opened here. One that listens at an endpoint of TCP gets this
 * `backlog`, and leaves nobody unanswered any more whom its last owner held off. Throws `EBADF` if it is not open.
 */
export function takeOverListener(fd: number, endpoint: Endpoint | null, backlog: number): void {
  native.takeOver(fd);
  if (endpoint === null) return;
  native.listen(fd, backlog);
  holdConnections(fd, familyOf(endpoint.address), []);
}
