import { familyOf } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import * as native from "../native/index.ts";
import type { Link } from "./rtnetlink.ts";
import { intOption, nameOption } from "./socket-address.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IP_TOS,
  IP_TTL,
  MSG_DONTWAIT,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SO_RCVBUF,
} from "./socket-constants.ts";

/** How to open a raw socket that speaks to single hosts. */
export interface RawUnicastOptions {
  /** IP protocol number, 112 for VRRP. */
  readonly protocol: number;
  readonly link: Link;
  /** Source address of what is sent; must be the host's own. */
  readonly source: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  /** IPv6: the traffic class. */
  readonly tos: number;
}

// TC_PRIO_INTERACTIVE, as on the multicast socket.
const controlPriority = 6;

/**
 * A raw socket that only sends, from one address. It is a socket of its own because a bound one of IPv4 receives no
 * multicast, and one that is not bound leaves the source of unicast packets to the routing table.
 */
export class RawUnicast {
  readonly #fd: number;
  readonly #linkIndex: number;
  #isOpen = true;

  private constructor(fd: number, linkIndex: number) {
    this.#fd = fd;
    this.#linkIndex = linkIndex;
  }

  /** Opens the socket; needs CAP_NET_RAW, and throws `EADDRNOTAVAIL` if the host has no such address. */
  static open(options: RawUnicastOptions): RawUnicast {
    const domain = familyOf(options.source) === 4 ? AF_INET : AF_INET6;
    const fd = native.open(domain, SOCK_RAW | SOCK_NONBLOCK, options.protocol);
    try {
      configure(fd, options);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return new RawUnicast(fd, options.link.index);
  }

  /** Sends a payload to a host; the kernel writes the IP header. Throws `ENETUNREACH` and the like. */
  send(payload: Uint8Array, to: string): void {
    native.send(this.#fd, payload, internetAddress({ address: to, port: 0 }, this.#linkIndex), MSG_DONTWAIT);
  }

  /** Closes the socket. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    native.close(this.#fd);
  }
}

function configure(fd: number, { link, source, ttl, tos }: RawUnicastOptions): void {
  native.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, nameOption(link.name));
  // It hears what the multicast socket hears too, and nobody reads it: the kernel drops it after a packet or two.
  native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(0));
  if (familyOf(source) === 4) {
    native.setOption(fd, IPPROTO_IP, IP_TTL, intOption(ttl));
    native.setOption(fd, IPPROTO_IP, IP_TOS, intOption(tos));
  } else {
    native.setOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, intOption(ttl));
    native.setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, intOption(tos));
  }
  // After IP_TOS, which sets a priority of its own.
  native.setOption(fd, SOL_SOCKET, SO_PRIORITY, intOption(controlPriority));
  native.bind(fd, internetAddress({ address: source, port: 0 }, link.index));
}
