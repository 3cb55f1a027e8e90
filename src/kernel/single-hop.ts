import type { Family } from "../base/address.ts";
import { internetAddress, readInternetAddress } from "../base/internet-address.ts";
import * as native from "../native/index.ts";
import type { Link } from "./rtnetlink.ts";
import { intOption, nameOption } from "./socket-address.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVHOPLIMIT,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  MSG_DONTWAIT,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SO_RCVBUF,
} from "./socket-constants.ts";

/** UDP between neighbours on one link: sent with a TTL (hop limit) of 255, received with the TTL it has. */

/** A datagram as it came. */
export interface Datagram {
  /** The first 512 bytes. */
  readonly payload: Uint8Array;
  readonly source: string;
  /** Null if the kernel did not tell. */
  readonly ttl: number | null;
}

// TC_PRIO_INTERACTIVE, as for advertisements.
const controlPriority = 6;
const listenerBufferLength = 256 * 1024;
// A sender's socket has a port, at which nobody reads what comes in: the kernel's least is enough.
const senderBufferLength = 1;
const payloadLength = 512;
// Bounds one wake-up, about 0.5 ms, as for advertisements.
const datagramsPerWake = 64;
// All that the buffer can hold, each with what the kernel books for it beside its bytes.
const datagramsPerDrain = 512;
const internetworkControl = 0xc0;
const anyAddress: Readonly<Record<Family, string>> = { 4: "0.0.0.0", 6: "::" };

/** A port on one link, for one family. */
export class SingleHopListener {
  readonly #fd: number;
  readonly #into = new Uint8Array(payloadLength);
  readonly #react: (datagram: Datagram) => void;
  readonly #fail: (error: unknown) => void;
  #isOpen = true;

  private constructor(fd: number, hooks: ListenerHooks) {
    this.#fd = fd;
    this.#react = hooks.receive;
    this.#fail = hooks.fail;
    native.watch(fd, () => this.#read(datagramsPerWake));
  }

  /** Opens the port; throws `EADDRINUSE` if another program has it. */
  static open(
    where: { readonly link: Link; readonly family: Family; readonly port: number },
    hooks: ListenerHooks,
  ): SingleHopListener {
    const { link, family, port } = where;
    const fd = openOn(link, family, listenerBufferLength);
    try {
      if (family === 6) {
        native.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, intOption(1));
        native.setOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, intOption(1));
      } else native.setOption(fd, IPPROTO_IP, IP_RECVTTL, intOption(1));
      native.bind(fd, internetAddress({ address: anyAddress[family], port }));
      return new SingleHopListener(fd, hooks);
    } catch (error) {
      native.close(fd);
      throw error;
    }
  }

  /** Hands over everything that has arrived by now, without waiting for the event loop. */
  drain(): void {
    this.#read(datagramsPerDrain);
  }

  /** Closes the port; nothing is delivered afterwards. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    native.close(this.#fd);
  }

  #read(most: number): void {
    for (let count = 0; count < most && this.#isOpen; count++) {
      let received: native.Received | null;
      try {
        received = native.receive(this.#fd, this.#into);
      } catch (error) {
        this.#fail(error);
        return;
      }
      if (received === null) return;
      const source = readInternetAddress(received.source)?.address ?? null;
      const payload = this.#into.slice(0, Math.min(received.length, payloadLength));
      if (source !== null) this.#react({ payload, source, ttl: received.ttl });
    }
  }
}

/** What becomes of a listener's datagrams, and of an error of the socket itself, which is cleared by being told. */
export interface ListenerHooks {
  readonly receive: (datagram: Datagram) => void;
  readonly fail: (error: unknown) => void;
}

/** A way to one neighbour, from one address and port of ours. */
export class SingleHopSender {
  readonly #fd: number;
  readonly #to: Uint8Array;

  private constructor(fd: number, to: Uint8Array) {
    this.#fd = fd;
    this.#to = to;
  }

  /** Opens it; throws `EADDRINUSE` if the source port is taken, `EADDRNOTAVAIL` if the address is not on this host. */
  static open(way: {
    readonly link: Link;
    readonly source: string;
    readonly sourcePort: number;
    readonly peer: string;
    readonly port: number;
  }): SingleHopSender {
    const { link, source, sourcePort, peer, port } = way;
    const isV6 = source.includes(":");
    const fd = openOn(link, isV6 ? 6 : 4, senderBufferLength);
    try {
      if (isV6) {
        native.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, intOption(1));
        native.setOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, intOption(255));
        native.setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, intOption(internetworkControl));
      } else {
        native.setOption(fd, IPPROTO_IP, IP_TTL, intOption(255));
        native.setOption(fd, IPPROTO_IP, IP_TOS, intOption(internetworkControl));
      }
      // After IP_TOS, which sets a priority of its own.
      native.setOption(fd, SOL_SOCKET, SO_PRIORITY, intOption(controlPriority));
      native.bind(fd, internetAddress({ address: source, port: sourcePort }, link.index));
      return new SingleHopSender(fd, internetAddress({ address: peer, port }, link.index));
    } catch (error) {
      native.close(fd);
      throw error;
    }
  }

  /** Sends one datagram without waiting; throws `ENETDOWN` and the like. */
  send(payload: Uint8Array): void {
    native.send(this.#fd, payload, this.#to, MSG_DONTWAIT);
  }

  close(): void {
    native.close(this.#fd);
  }
}

function openOn(link: Link, family: Family, bufferLength: number): number {
  const fd = native.open(family === 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  try {
    native.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, nameOption(link.name));
    native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(bufferLength));
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}
