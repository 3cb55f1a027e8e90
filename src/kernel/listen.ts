import { familyOf, formatEndpoint, type Endpoint, type Family } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { holdFilter } from "./hold-filter.ts";
import { growReceiveQueue } from "./socket-queues.ts";
import { intOption } from "./socket-address.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_FREEBIND,
  IPV6_V6ONLY,
  IP_FREEBIND,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_DETACH_FILTER,
  SO_REUSEADDR,
  SO_REUSEPORT,
} from "./socket-constants.ts";

/** The usual 208 KiB are room for 90 datagrams of 1,500 bytes: fewer than come while the runtime tidies its memory. */
const datagramQueueLength = 4 * 1024 * 1024;

/**
 * Opens a listening TCP socket and gives its descriptor: non-blocking, closed on exec, shared by port with its
 * siblings (SO_REUSEPORT), and on an address that this host may not carry at present (IP_FREEBIND).
 */
export function listenTcp(options: { readonly endpoint: Endpoint; readonly backlog: number }): number {
  const { endpoint, backlog } = options;
  return openAt(endpoint, { type: SOCK_STREAM, protocol: IPPROTO_TCP }, (fd) => native.listen(fd, backlog));
}

/**
 * Opens a UDP socket in the same way. The kernel gives all datagrams of one client's port to one of the siblings, for as
 * long as there are as many, and answers leave from the address it is bound to.
 */
export function listenUdp(endpoint: Endpoint): number {
  return openAt(endpoint, { type: SOCK_DGRAM, protocol: IPPROTO_UDP }, (fd) => {
    growReceiveQueue(fd, datagramQueueLength);
  });
}

function openAt(
  endpoint: Endpoint,
  { type, protocol }: { readonly type: number; readonly protocol: number },
  begin: (fd: number) => void,
): number {
  const isV6 = familyOf(endpoint.address) === 6;
  const fd = native.open(isV6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, protocol);
  try {
    // For UDP it would mean that any program may share the port.
    if (type === SOCK_STREAM) native.setOption(fd, SOL_SOCKET, SO_REUSEADDR, intOption(1));
    native.setOption(fd, SOL_SOCKET, SO_REUSEPORT, intOption(1));
    if (isV6) {
      native.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, intOption(1));
      native.setOption(fd, IPPROTO_IPV6, IPV6_FREEBIND, intOption(1));
    } else {
      native.setOption(fd, IPPROTO_IP, IP_FREEBIND, intOption(1));
    }
    native.bind(fd, internetAddress(endpoint));
    begin(fd);
    return fd;
  } catch (error) {
    native.close(fd);
    if (error instanceof SystemError) throw new SystemError(error.call, error.code, formatEndpoint(endpoint));
    throw error;
  }
}

/** Closes a descriptor that `listenTcp` or `listenUdp` gave. */
export function closeListener(fd: number): void {
  native.close(fd);
}

/**
 * Leaves new connections to these addresses unanswered on a listening socket of a family, and to no others. Its connections
 * inherit the filter, and are none the worse for it.
 */
export function holdConnections(fd: number, family: Family, addresses: readonly string[]): void {
  const own = addresses.filter((address) => familyOf(address) === family);
  if (own.length > 0) {
    native.attachFilter(fd, holdFilter(own));
    return;
  }
  try {
    native.setOption(fd, SOL_SOCKET, SO_DETACH_FILTER, intOption(0));
  } catch (error) {
    // None was there.
    if (!(error instanceof SystemError) || error.code !== "ENOENT") throw error;
  }
}
