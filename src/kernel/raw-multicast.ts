import * as native from "../native/index.ts";
import { parseIpv4, type ReceivedPacket } from "./ipv4-header.ts";
import type { Link } from "./rtnetlink.ts";
import { internetAddress, intOption, multicastOption, nameOption } from "./socket-address.ts";
import {
  AF_INET,
  IPPROTO_IP,
  IP_ADD_MEMBERSHIP,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_PKTINFO,
  IP_RECVTTL,
  IP_TOS,
  MSG_DONTWAIT,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SO_RCVBUF,
} from "./socket-constants.ts";

export type { ReceivedPacket } from "./ipv4-header.ts";

/** How to open a raw multicast socket. */
export interface RawMulticastOptions {
  /** IP protocol number, 112 for VRRP. */
  readonly protocol: number;
  readonly link: Link;
  /** IPv4 multicast group to join and to send to. */
  readonly group: string;
  /** Source address of what is sent. */
  readonly source: string;
  readonly ttl: number;
  readonly tos: number;
}

// TC_PRIO_INTERACTIVE: above what bulk traffic gets, and the highest that needs no privilege.
const controlPriority = 6;
const receiveBufferLength = 256 * 1024;
const packetLength = 65_535;
// Bounds one wake-up, about 0.5 ms: a flood leaves room for timers between two wake-ups, and what the socket
// cannot hold is dropped by the kernel.
const packetsPerWake = 64;

/** A raw IPv4 socket on one interface and one multicast group; hears nothing that it sent itself. */
export class RawMulticast {
  readonly #fd: number;
  readonly #group: Uint8Array;
  readonly #into = new Uint8Array(packetLength);
  #isOpen = true;

  private constructor(fd: number, group: Uint8Array) {
    this.#fd = fd;
    this.#group = group;
  }

  /** Opens the socket and joins the group; needs CAP_NET_RAW. */
  static open(options: RawMulticastOptions): RawMulticast {
    const fd = native.open(AF_INET, SOCK_RAW | SOCK_NONBLOCK, options.protocol);
    try {
      configure(fd, options);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return new RawMulticast(fd, internetAddress({ address: options.group, port: 0 }));
  }

  /** Sends a payload to the group; the kernel writes the IPv4 header. Throws `ENETDOWN` and the like. */
  send(payload: Uint8Array): void {
    native.send(this.#fd, payload, this.#group, MSG_DONTWAIT);
  }

  /**
   * Sets the one receiver of packets. An error of the socket itself (the interface went away) goes to `fail`; it
   * is cleared by being told.
   */
  onReceive(react: (packet: ReceivedPacket) => void, fail: (error: unknown) => void = rethrow): void {
    native.unwatch(this.#fd);
    native.watch(this.#fd, () => {
      for (let count = 0; count < packetsPerWake && this.#isOpen; count++) {
        const packet = this.#receive(fail);
        if (packet === "nothing") return;
        if (packet !== null) react(packet);
      }
    });
  }

  /** Leaves the group and closes the socket; no packet is delivered afterwards. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    native.close(this.#fd);
  }

  #receive(fail: (error: unknown) => void): ReceivedPacket | null | "nothing" {
    try {
      const received = native.receive(this.#fd, this.#into);
      if (received === null) return "nothing";
      return parseIpv4(this.#into.subarray(0, received.length));
    } catch (error) {
      fail(error);
      return "nothing";
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}

function configure(fd: number, options: RawMulticastOptions): void {
  const { link, group, source, ttl, tos } = options;
  // First of all: from here on nothing of other interfaces is queued.
  native.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, nameOption(link.name));
  native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(receiveBufferLength));
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, intOption(0));
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, intOption(0));
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_TTL, intOption(ttl));
  native.setOption(fd, IPPROTO_IP, IP_RECVTTL, intOption(1));
  native.setOption(fd, IPPROTO_IP, IP_PKTINFO, intOption(1));
  native.setOption(fd, IPPROTO_IP, IP_TOS, intOption(tos));
  // After IP_TOS, which sets a priority of its own.
  native.setOption(fd, SOL_SOCKET, SO_PRIORITY, intOption(controlPriority));
  // The address given here becomes the source of what is sent to a group. bind(2) would do that too, but a raw
  // socket that is bound to a unicast address receives no multicast.
  native.setOption(fd, IPPROTO_IP, IP_MULTICAST_IF, multicastOption("0.0.0.0", source, link.index));
  native.setOption(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, multicastOption(group, "0.0.0.0", link.index));
}
