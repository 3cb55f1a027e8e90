import {
  addressBytes,
  addressFromBytes,
  canonicalAddress,
  familyOf,
  type Endpoint,
} from "../base/address.ts";
import { proxySignature } from "../base/proxy-protocol.ts";

/** Reads the header of the PROXY protocol, in which a balancer before us says who its client is. PURE. */

/** Both ends of a connection. */
export interface ConnectionEnds {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** What the bytes received so far come to. */
export type ProxyHeaderReading =
  | { readonly state: "incomplete" }
  | { readonly state: "faulty"; readonly reason: string }
  | {
      readonly state: "complete";
      /** Offset of the first byte behind the header. */
      readonly end: number;
      /** Null where the peer speaks for itself, or of something that has no address: its own stands then. */
      readonly ends: ConnectionEnds | null;
    };

const word = Buffer.from("PROXY ");
/** Longest header of version 1, line end included (§2.1). */
const mostText = 107;
/** Most that may follow the first 16 bytes of version 2: addresses, and extensions such as a certificate's name. */
const mostBinary = 4096;

const incomplete: ProxyHeaderReading = { state: "incomplete" };

/** Reads a header of version 1 or 2 at the start of `bytes`; nothing may stand before it. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderReading {
  if (beginsAs(bytes, proxySignature)) return bytes.length < 16 ? incomplete : readBinary(bytes);
  if (beginsAs(bytes, word)) return readText(bytes);
  return faulty("it begins with something else");
}

/** Whether `bytes` begin with all of `wanted`, or with as much of it as there are. */
function beginsAs(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const length = Math.min(bytes.length, wanted.length);
  return Buffer.compare(bytes.subarray(0, length), wanted.subarray(0, length)) === 0;
}

function faulty(reason: string): ProxyHeaderReading {
  return { state: "faulty", reason };
}

function readText(bytes: Uint8Array): ProxyHeaderReading {
  const lineFeed = bytes.subarray(0, mostText).indexOf(0x0a);
  if (lineFeed < 0) return bytes.length < mostText ? incomplete : faulty("its line does not end");
  if (bytes[lineFeed - 1] !== 0x0d) return faulty("its line ends without CR");
  const line = Buffer.from(bytes.subarray(word.length, lineFeed - 1)).toString("latin1");
  const end = lineFeed + 1;
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return { state: "complete", end, ends: null };
  const [protocol, ...rest] = line.split(" ");
  if (rest.length !== 4 || (protocol !== "TCP4" && protocol !== "TCP6")) return faulty("its line is broken");
  const [from = "", to = "", fromPort = "", toPort = ""] = rest;
  const family = protocol === "TCP4" ? 4 : 6;
  if (!isAddress(from, family) || !isAddress(to, family)) return faulty("its addresses are broken");
  const sourcePort = portOf(fromPort);
  const destinationPort = portOf(toPort);
  if (sourcePort === null || destinationPort === null) return faulty("its ports are broken");
  const source = { address: addressOf(addressBytes(from)), port: sourcePort };
  const destination = { address: addressOf(addressBytes(to)), port: destinationPort };
  return { state: "complete", end, ends: { source, destination } };
}

function isAddress(text: string, family: 4 | 6): boolean {
  const address = canonicalAddress(text);
  return address !== null && familyOf(address) === family;
}

function portOf(text: string): number | null {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : 65_536;
  return port <= 65_535 ? port : null;
}

function readBinary(bytes: Uint8Array): ProxyHeaderReading {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const versionAndCommand = view.readUInt8(12);
  const family = view.readUInt8(13);
  const length = view.readUInt16BE(14);
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21)
    return faulty("its version or command is unknown");
  if (length > mostBinary) return faulty(`its ${length} bytes are too many`);
  const end = 16 + length;
  if (view.length < end) return incomplete;
  // LOCAL: whatever the family says is to be left alone (§2.2).
  if (versionAndCommand === 0x20) return { state: "complete", end, ends: null };
  // Unspecified, and a local socket's path.
  if (family === 0x00 || family === 0x31) return { state: "complete", end, ends: null };
  if (family !== 0x11 && family !== 0x21) return faulty("what it speaks of is no connection over TCP");
  const size = family === 0x11 ? 4 : 16;
  if (length < 2 * size + 4) return faulty("it is too short for its addresses");
  const endAt = (index: number): Endpoint => ({
    address: addressOf(view.subarray(16 + index * size, 16 + (index + 1) * size)),
    port: view.readUInt16BE(16 + 2 * size + 2 * index),
  });
  return { state: "complete", end, ends: { source: endAt(0), destination: endAt(1) } };
}

/** Gives an address in its text form, IPv4 in IPv6 as IPv4 (RFC 4291 §2.5.5.2), as it is where a client connects itself. */
function addressOf(bytes: Uint8Array): string {
  const isMapped =
    bytes.length === 16 &&
    bytes.subarray(0, 10).every((octet) => octet === 0) &&
    bytes[10] === 255 &&
    bytes[11] === 255;
  return addressFromBytes(isMapped ? bytes.subarray(12) : bytes);
}
