import { addressBytes, familyOf, type Endpoint } from "../base/address.ts";
import { proxySignature, type ProxyProtocolVersion } from "../base/proxy-protocol.ts";

/** The header of the PROXY protocol, which tells a server behind a relay who the client is. PURE. */

/** Version 2, command PROXY. */
const versionAndCommand = 0x21;

/** Writes the header for a connection over TCP from `source` to `destination`, which is this host's own end. */
export function proxyHeader(version: ProxyProtocolVersion, source: Endpoint, destination: Endpoint): Buffer {
  // A balancer before us may have said that an IPv6 client came to an IPv4 address of ours.
  const isMixed = familyOf(source.address) !== familyOf(destination.address);
  const [from, to] = isMixed ? [asIpv6(source), asIpv6(destination)] : [source, destination];
  return version === "v1" ? textHeader(from, to) : binaryHeader(from, to);
}

/** RFC 4291 §2.5.5.2. */
function asIpv6({ address, port }: Endpoint): Endpoint {
  return { address: familyOf(address) === 4 ? `::ffff:${address}` : address, port };
}

function textHeader(source: Endpoint, destination: Endpoint): Buffer {
  const addresses = `${source.address} ${destination.address}`;
  const ports = `${source.port} ${destination.port}`;
  return Buffer.from(`PROXY TCP${familyOf(source.address)} ${addresses} ${ports}\r\n`, "latin1");
}

function binaryHeader(source: Endpoint, destination: Endpoint): Buffer {
  // AF_INET or AF_INET6, and STREAM.
  const family = familyOf(source.address) === 4 ? 0x11 : 0x21;
  const addresses = Buffer.concat([addressBytes(source.address), addressBytes(destination.address)]);
  const header = Buffer.alloc(proxySignature.length + 4 + addresses.length + 4);
  header.set(proxySignature);
  header.writeUInt8(versionAndCommand, 12);
  header.writeUInt8(family, 13);
  header.writeUInt16BE(addresses.length + 4, 14);
  addresses.copy(header, 16);
  header.writeUInt16BE(source.port, 16 + addresses.length);
  header.writeUInt16BE(destination.port, 18 + addresses.length);
  return header;
}
