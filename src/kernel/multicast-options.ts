import { familyOf } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import * as native from "../native/index.ts";
import type { FloodRules } from "./flood-guard.ts";
import type { Link } from "./rtnetlink.ts";
import { intOption, multicastOption, multicastOption6, nameOption } from "./socket-address.ts";
import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_FREEBIND,
  IPV6_MULTICAST_ALL,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_TCLASS,
  IP_ADD_MEMBERSHIP,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_PKTINFO,
  IP_RECVTTL,
  IP_TOS,
  SOL_SOCKET,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SO_RCVBUF,
} from "./socket-constants.ts";

/** What makes a raw socket one of a multicast group on a link. */
export interface RawMulticastOptions {
  /** IP protocol number, 112 for VRRP. */
  readonly protocol: number;
  readonly link: Link;
  /** Multicast group to join and to send to; its family is the socket's. */
  readonly group: string;
  /** Source address of what is sent; IPv6: a link-local address of the link that is not tentative any more. */
  readonly source: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  /** IPv6: the traffic class. */
  readonly tos: number;
  /** What to do when more arrives than can be read; nothing if it is left out. */
  readonly flood?: FloodRules;
}

// TC_PRIO_INTERACTIVE: above what bulk traffic gets, and the highest that needs no privilege.
const controlPriority = 6;
const receiveBufferLength = 256 * 1024;

/** Sets up a raw socket of the group's family, and joins the group; throws `SystemError`. */
export function configureMulticast(fd: number, options: RawMulticastOptions): void {
  // First of all: from here on nothing of other interfaces is queued.
  native.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, nameOption(options.link.name));
  native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(receiveBufferLength));
  if (familyOf(options.group) === 4) configureIpv4(fd, options);
  else configureIpv6(fd, options);
}

/**
 * Sets up a raw socket that only sends, through a link that need not have the source address, and may be down still;
 * throws `SystemError`.
 */
export function configureSpeaker(fd: number, options: RawMulticastOptions): void {
  native.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, nameOption(options.link.name));
  // Nobody reads what it may hear: the kernel makes the least of it.
  native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(0));
  if (familyOf(options.group) === 4) return speakIpv4(fd, options);
  // The source may be another link's.
  native.setOption(fd, IPPROTO_IPV6, IPV6_FREEBIND, intOption(1));
  speakIpv6(fd, options);
}

function configureIpv4(fd: number, options: RawMulticastOptions): void {
  native.setOption(fd, IPPROTO_IP, IP_RECVTTL, intOption(1));
  native.setOption(fd, IPPROTO_IP, IP_PKTINFO, intOption(1));
  speakIpv4(fd, options);
  const membership = multicastOption(options.group, "0.0.0.0", options.link.index);
  native.setOption(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership);
}

function speakIpv4(fd: number, { link, source, ttl, tos }: RawMulticastOptions): void {
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, intOption(0));
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, intOption(0));
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_TTL, intOption(ttl));
  native.setOption(fd, IPPROTO_IP, IP_TOS, intOption(tos));
  // After IP_TOS, which sets a priority of its own.
  native.setOption(fd, SOL_SOCKET, SO_PRIORITY, intOption(controlPriority));
  // The address given here becomes the source of what is sent to a group. bind(2) would do that too, but a raw
  // IPv4 socket that is bound to a unicast address receives no multicast.
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_IF, multicastOption("0.0.0.0", source, link.index));
}

function configureIpv6(fd: number, options: RawMulticastOptions): void {
  native.setOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, intOption(1));
  native.setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, intOption(1));
  speakIpv6(fd, options);
  const membership = multicastOption6(options.group, options.link.index);
  native.setOption(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership);
}

function speakIpv6(fd: number, { link, source, ttl, tos }: RawMulticastOptions): void {
  native.setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, intOption(0));
  native.setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, intOption(0));
  native.setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, intOption(ttl));
  native.setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, intOption(tos));
  native.setOption(fd, SOL_SOCKET, SO_PRIORITY, intOption(controlPriority));
  native.setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, intOption(link.index));
  // The source of what is sent. Unlike IPv4's, a raw IPv6 socket that is bound goes on hearing the groups it is in.
  native.bind(fd, internetAddress({ address: source, port: 0 }, link.index));
}
