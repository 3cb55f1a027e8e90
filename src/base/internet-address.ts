import { addressBytes, addressFromBytes, familyOf, type Endpoint } from "./address.ts";

/** PURE: addresses of IPv4 and IPv6 sockets as the system calls want and give them. */

const families = { IPv4: 2, IPv6: 10 } as const;

/** One end of a connection. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  readonly family: keyof typeof families;
}

/**
 * Writes a `sockaddr_in` or `sockaddr_in6`. A link-local address or group of IPv6 means nothing without the interface
 * it is on; 0 leaves it out.
 */
export function internetAddress(endpoint: Endpoint, linkIndex = 0): Uint8Array {
  const isV4 = familyOf(endpoint.address) === 4;
  const bytes = new Uint8Array(isV4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isV4 ? families.IPv4 : families.IPv6, true);
  view.setUint16(2, endpoint.port, false);
  bytes.set(addressBytes(endpoint.address), isV4 ? 4 : 8);
  if (!isV4) view.setUint32(24, linkIndex, true);
  return bytes;
}

/** Reads a `sockaddr_in` or `sockaddr_in6`; null if it is neither. */
export function readInternetAddress(bytes: Uint8Array): SocketAddress | null {
  if (bytes.length < 16) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, true);
  const port = view.getUint16(2, false);
  if (family === families.IPv4)
    return { address: addressFromBytes(bytes.subarray(4, 8)), port, family: "IPv4" };
  if (family !== families.IPv6 || bytes.length < 28) return null;
  return { address: addressFromBytes(bytes.subarray(8, 24)), port, family: "IPv6" };
}
