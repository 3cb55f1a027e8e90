import { addressBytes } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";
import * as native from "../native/index.ts";
import { packetAddress } from "./socket-address.ts";
import { AF_PACKET, MSG_DONTWAIT, SOCK_RAW } from "./socket-constants.ts";

const broadcast = new Uint8Array(6).fill(0xff);
const arpEtherType = 0x0806;
// RFC 826: Ethernet, IPv4, six and four bytes of address, request.
const requestHeader = Uint8Array.of(0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01);

/**
 * PURE: makes the Ethernet frame that tells everybody on the link where an IPv4 address is now: a broadcast ARP request
 * whose sender and target are the address itself (RFC 5227 §3), the target's hardware address filled in too
 * (RFC 9568 errata 7947 and 7949).
 */
export function gratuitousArp(mac: Uint8Array, address: string): Uint8Array {
  const ip = addressBytes(address);
  assert(mac.length === 6 && ip.length === 4, "gratuitous ARP is for Ethernet and IPv4");
  const etherType = Uint8Array.of(arpEtherType >> 8, arpEtherType & 0xff);
  return concatBytes(broadcast, mac, etherType, requestHeader, mac, ip, mac, ip);
}

/** Sends whole Ethernet frames on any link; receives nothing. */
export class ArpSocket {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a packet socket; needs CAP_NET_RAW. */
  static open(): ArpSocket {
    // Protocol 0: no frame is ever queued for this socket.
    return new ArpSocket(native.open(AF_PACKET, SOCK_RAW, 0));
  }

  /** Sends a frame at once, or throws (`ENETDOWN`, `ENXIO`, `EAGAIN` when the queue is full). */
  send(linkIndex: number, frame: Uint8Array): void {
    const destination = packetAddress(linkIndex, arpEtherType, frame.subarray(0, 6));
    native.send(this.#fd, frame, destination, MSG_DONTWAIT);
  }

  close(): void {
    native.close(this.#fd);
  }
}
