import { addressBytes } from "../base/address.ts";
import { AF_NETLINK, AF_PACKET, AF_UNIX } from "./socket-constants.ts";

/** PURE: socket addresses and option values as the system calls want them. */

/** Writes a C `int` as an option value. */
export function intOption(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

/** Writes a `struct timeval` as an option value. */
export function timevalOption(ms: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
  view.setBigInt64(8, BigInt(Math.round((ms % 1000) * 1000)), true);
  return bytes;
}

/** Writes an interface name as SO_BINDTODEVICE wants it, NUL at the end. */
export function nameOption(name: string): Uint8Array {
  return new TextEncoder().encode(`${name}\0`);
}

/** Writes a `struct ip_mreqn`: a group (or 0.0.0.0), a local address and an interface. */
export function multicastOption(group: string, address: string, linkIndex: number): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes.set(addressBytes(group), 0);
  bytes.set(addressBytes(address), 4);
  new DataView(bytes.buffer).setInt32(8, linkIndex, true);
  return bytes;
}

/** Writes a `struct ipv6_mreq`: a group and an interface. */
export function multicastOption6(group: string, linkIndex: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set(addressBytes(group), 0);
  new DataView(bytes.buffer).setInt32(16, linkIndex, true);
  return bytes;
}

/** Writes a `sockaddr_nl`; port id 0 is the kernel, or "choose one" when binding. */
export function netlinkAddress(groups: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups, true);
  return bytes;
}

/** Reads the port id of a `sockaddr_nl`, or null if it is none. */
export function netlinkPortId(address: Uint8Array): number | null {
  if (address.length < 12) return null;
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  return view.getUint16(0, true) === AF_NETLINK ? view.getUint32(4, true) : null;
}

/** Writes a `sockaddr_ll`: a link-layer destination on one interface. */
export function packetAddress(linkIndex: number, protocol: number, mac: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol, false);
  view.setInt32(4, linkIndex, true);
  view.setUint8(11, mac.length);
  bytes.set(mac.subarray(0, 8), 12);
  return bytes;
}

/** Writes a `sockaddr_un`; a leading `@` names an abstract socket. Null if the path is empty or too long. */
export function unixAddress(path: string): Uint8Array | null {
  const isAbstract = path.startsWith("@");
  const name = new TextEncoder().encode(isAbstract ? path.slice(1) : path);
  // unix(7): sun_path has 108 bytes; a path keeps one for its NUL, an abstract name begins with one.
  if (name.length === 0 || name.length > 107 || name.includes(0)) return null;
  const bytes = new Uint8Array(2 + name.length + 1);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, isAbstract ? 3 : 2);
  return bytes;
}
