import { concatBytes } from "../base/bytes.ts";
import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { readFrames } from "./frame-loop.ts";
import { growReceiveQueue } from "./socket-queues.ts";
import { intOption, packetAddress } from "./socket-address.ts";
import {
  AF_PACKET,
  PACKET_ADD_MEMBERSHIP,
  PACKET_AUXDATA,
  PACKET_MR_ALLMULTI,
  PACKET_STATISTICS,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
  SO_TIMESTAMPNS,
} from "./socket-constants.ts";

/** A frame as it was on the wire, VLAN tag included. */
export interface WireFrame {
  /** The kernel's time of its arrival, milliseconds since 1970. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** ETH_P_ALL. */
const everything = 0x0003;
const longestFrame = 65_536;
const receiveBufferLength = 4 * 1024 * 1024;
// Bounds one wake-up, so that a flood leaves room for timers.
const framesPerWake = 64;
/** Destination and source address, before the tag. */
const tagOffset = 12;

/**
 * Listens to everything on one Ethernet interface that a filter lets through, in both directions, as tcpdump does but
 * without promiscuous mode: the interface is told to receive all multicast, as the groups of others are of interest too.
 * That ends with the socket, and no group is joined.
 */
export class WireTap {
  readonly #fd: number;
  readonly #into = new Uint8Array(longestFrame);
  #isOpen = true;
  #dropped = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a packet socket; needs CAP_NET_RAW. */
  static open(linkIndex: number, filter: Uint8Array): WireTap {
    // Protocol 0: nothing is queued before the filter is there and the socket is bound.
    const fd = native.open(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    try {
      growReceiveQueue(fd, receiveBufferLength);
      native.setOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, intOption(1));
      native.setOption(fd, SOL_PACKET, PACKET_AUXDATA, intOption(1));
      native.setOption(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, allMulticast(linkIndex));
      native.attachFilter(fd, filter);
      native.bind(fd, packetAddress(linkIndex, everything, new Uint8Array(0)));
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return new WireTap(fd);
  }

  /** Sets the one receiver of frames; an error of the socket itself (the interface went away) goes to `fail`. */
  onFrame(react: (frame: WireFrame) => void, fail: (error: unknown) => void): void {
    readFrames(this.#fd, framesPerWake, () => (this.#isOpen ? this.#receive(fail) : null), react);
  }

  /** Replaces the filter, with no moment without one. */
  setFilter(filter: Uint8Array): void {
    native.attachFilter(this.#fd, filter);
  }

  /** Gives how many frames the kernel had no room for so far. */
  dropped(): number {
    if (!this.#isOpen) return this.#dropped;
    // struct tpacket_stats: packets and drops since it was last asked.
    const stats = native.getOption(this.#fd, SOL_PACKET, PACKET_STATISTICS, 8);
    this.#dropped += new DataView(stats.buffer, stats.byteOffset, stats.byteLength).getUint32(4, true);
    return this.#dropped;
  }

  /** Closes the socket; no frame is delivered afterwards. */
  close(): void {
    if (!this.#isOpen) return;
    this.dropped();
    this.#isOpen = false;
    native.close(this.#fd);
  }

  #receive(fail: (error: unknown) => void): WireFrame | null {
    try {
      const received = native.receive(this.#fd, this.#into);
      if (received === null) return null;
      const bytes = this.#into.slice(0, Math.min(received.length, longestFrame));
      const { vlanTag } = received;
      const whole = vlanTag === null ? bytes : withTag(bytes, vlanTag);
      return { atMs: received.receivedMs ?? Date.now(), bytes: whole };
    } catch (error) {
      // An interface that went down says so once; anything else would say so again and again.
      if (!hasCode(error, "ENETDOWN")) native.unwatch(this.#fd);
      fail(error);
      return null;
    }
  }
}

function withTag(bytes: Uint8Array, tag: Uint8Array): Uint8Array {
  return concatBytes(bytes.subarray(0, tagOffset), tag, bytes.subarray(tagOffset));
}

/** A struct packet_mreq: interface, type, length of an address, address in eight bytes. */
function allMulticast(linkIndex: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, linkIndex, true);
  view.setUint16(4, PACKET_MR_ALLMULTI, true);
  return bytes;
}
