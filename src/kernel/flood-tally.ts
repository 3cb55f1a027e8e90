import type { Family } from "../base/address.ts";
import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { addressTests, filterAll } from "./packet-filter.ts";
import { intOption, packetAddress } from "./socket-address.ts";
import {
  AF_PACKET,
  PACKET_STATISTICS,
  SOCK_DGRAM,
  SOL_PACKET,
  SOL_SOCKET,
  SO_RCVBUF,
} from "./socket-constants.ts";

/** What is counted: packets of a protocol to a group that arrive on a link. */
export interface TallyOptions {
  readonly linkIndex: number;
  readonly group: string;
  readonly family: Family;
  /** IP protocol number. */
  readonly protocol: number;
}

// From the beginning of the IP header.
const places = {
  4: { etherType: 0x0800, protocol: 9, destination: 16 },
  6: { etherType: 0x86dd, protocol: 6, destination: 24 },
} as const;
/** struct tpacket_stats: packets, those that were not queued included, and packets that were not. */
const statisticsLength = 8;

/**
 * Counts the packets of a flood. The kernel does not say how many a filter on a raw socket has dropped, so this is a socket
 * that nobody reads: its queue is full after a packet or two, and from then on the kernel only counts.
 */
export class FloodTally {
  readonly #fd: number;
  #count = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Counts from now on; null if the kernel refuses, because a flood is no time to fail for a figure. */
  static open(options: TallyOptions): FloodTally | null {
    try {
      return new FloodTally(openCounter(options));
    } catch (error) {
      if (error instanceof SystemError) return null;
      throw error;
    }
  }

  /** Gives the count so far. */
  count(): number {
    // The kernel begins anew each time it is asked.
    const bytes = native.getOption(this.#fd, SOL_PACKET, PACKET_STATISTICS, statisticsLength);
    this.#count += new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    return this.#count;
  }

  /** Ends the count and gives it. */
  close(): number {
    const count = this.count();
    native.close(this.#fd);
    return count;
  }
}

function openCounter({ linkIndex, group, family, protocol }: TallyOptions): number {
  const { etherType, protocol: at, destination } = places[family];
  // Protocol 0: nothing is counted before the filter is there and the socket is bound.
  const fd = native.open(AF_PACKET, SOCK_DGRAM, 0);
  try {
    native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(0));
    const tests = [{ offset: at, size: 1, value: protocol } as const, ...addressTests(destination, group)];
    native.attachFilter(fd, filterAll(tests));
    native.bind(fd, packetAddress(linkIndex, etherType, new Uint8Array(0)));
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}
