import { addressBytes } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { concatBytes, equalBytes } from "../base/bytes.ts";

const broadcast = new Uint8Array(6).fill(0xff);
const etherType = Uint8Array.of(0x08, 0x06);
// RFC 826: Ethernet, IPv4, six and four bytes of address.
const header = Uint8Array.of(0x00, 0x01, 0x08, 0x00, 6, 4);
const operation = { request: Uint8Array.of(0x00, 0x01), reply: Uint8Array.of(0x00, 0x02) } as const;
/** RFC 9568 §7.3: the MAC addresses of IPv4 virtual routers, without the VRID. */
const virtualMacStart = Uint8Array.of(0x00, 0x00, 0x5e, 0x00, 0x01);

/**
 * PURE: makes the Ethernet frame that tells everybody on the link where an IPv4 address is now: a broadcast ARP request
 * whose sender and target are the address itself (RFC 5227 §3), the target's hardware address filled in too
 * (RFC 9568 errata 7947 and 7949). From a virtual MAC it is a reply: the kernel of the node that is about to lose the
 * address would answer a request, from the same MAC, and turn the switch back to its port.
 */
export function gratuitousArp(mac: Uint8Array, address: string): Uint8Array {
  const ip = addressBytes(address);
  assert(mac.length === 6 && ip.length === 4, "gratuitous ARP is for Ethernet and IPv4");
  const isVirtual = equalBytes(mac.subarray(0, 5), virtualMacStart);
  const kind = isVirtual ? operation.reply : operation.request;
  return concatBytes(broadcast, mac, etherType, header, kind, mac, ip, mac, ip);
}
