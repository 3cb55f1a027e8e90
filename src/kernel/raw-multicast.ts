import { familyOf, type Family } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import * as native from "../native/index.ts";
import { type FloodCount, FloodGuard } from "./flood-guard.ts";
import { parseIpv4 } from "./ipv4-header.ts";
import { configureMulticast, type RawMulticastOptions } from "./multicast-options.ts";
import { ipv6Packet, type ReceivedPacket } from "./received-packet.ts";
import { AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_NONBLOCK, SOCK_RAW } from "./socket-constants.ts";

export type { RawMulticastOptions } from "./multicast-options.ts";
export type { ReceivedPacket } from "./received-packet.ts";

const packetLength = 65_535;
// Bounds one wake-up, about 0.5 ms: a flood leaves room for timers between two wake-ups, and what the socket
// cannot hold is dropped by the kernel.
const packetsPerWake = 64;

/** A raw socket on one interface and one multicast group of either family; hears nothing that it sent itself. */
export class RawMulticast {
  readonly #fd: number;
  readonly #family: Family;
  readonly #group: Uint8Array;
  readonly #guard: FloodGuard | null;
  readonly #into = new Uint8Array(packetLength);
  #isOpen = true;

  private constructor(fd: number, options: RawMulticastOptions) {
    this.#fd = fd;
    this.#family = familyOf(options.group);
    this.#group = internetAddress({ address: options.group, port: 0 }, options.link.index);
    const { flood, group, link, protocol } = options;
    const counted = { linkIndex: link.index, group, family: this.#family, protocol };
    this.#guard = flood === undefined ? null : new FloodGuard(fd, counted, flood);
  }

  /** Opens the socket and joins the group; needs CAP_NET_RAW. */
  static open(options: RawMulticastOptions): RawMulticast {
    const domain = familyOf(options.group) === 4 ? AF_INET : AF_INET6;
    const fd = native.open(domain, SOCK_RAW | SOCK_NONBLOCK, options.protocol);
    try {
      configureMulticast(fd, options);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return new RawMulticast(fd, options);
  }

  /** Sends a payload to the group; the kernel writes the IP header. Throws `ENETDOWN` and the like. */
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
      let count = 0;
      for (; count < packetsPerWake && this.#isOpen; count++) {
        const packet = this.#receive(fail);
        if (packet === "nothing") break;
        if (packet !== null) react(packet);
      }
      if (this.#isOpen) this.#guard?.note(count, count === packetsPerWake);
    });
  }

  /** Says what floods there were since it was opened; null if there was none. */
  floods(): FloodCount | null {
    return this.#guard?.count() ?? null;
  }

  /** Leaves the group and closes the socket; no packet is delivered afterwards. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#guard?.close();
    native.close(this.#fd);
  }

  #receive(fail: (error: unknown) => void): ReceivedPacket | null | "nothing" {
    try {
      const received = native.receive(this.#fd, this.#into);
      if (received === null) return "nothing";
      const bytes = this.#into.subarray(0, received.length);
      return this.#family === 4 ? parseIpv4(bytes) : ipv6Packet(received, bytes);
    } catch (error) {
      fail(error);
      return "nothing";
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}
