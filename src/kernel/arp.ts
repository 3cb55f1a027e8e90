import { addressBytes } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";

const broadcast = new Uint8Array(6).fill(0xff);
const etherType = Uint8Array.of(0x08, 0x06);
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
  return concatBytes(broadcast, mac, etherType, requestHeader, mac, ip, mac, ip);
}
