import { addressFromBytes, type Endpoint } from "../base/address.ts";

/** PURE: lines of /proc/net/ip_vs_conn, where the kernel writes its connection table. */

/** A connection through the kernel, or what persistence remembers of a client. */
export interface IpvsConnection {
  /** `tcp`, `udp`, `sctp`, or the kernel's word for another; `ip` for the persistence of a firewall mark. */
  readonly protocol: string;
  /** Who came; persistence remembers the masked address and port 0. */
  readonly client: Endpoint;
  /** Where to: a service's address and port, or a firewall mark in place of an address. */
  readonly target: Endpoint;
  /** The server that was chosen. */
  readonly server: Endpoint;
  /** The kernel's word, such as `ESTABLISHED`. */
  readonly state: string;
  /** Seconds until it is forgotten if nothing more comes. */
  readonly expiresS: number;
  /** What persistence goes by in place of the client's address, such as `sip` and the Call-ID; null is the address. */
  readonly persistence: { readonly engine: string; readonly data: string } | null;
  /** Whether this is no connection but what keeps a client with its server. */
  readonly isTemplate: boolean;
}

/** ASSURED is a template that a whole connection has confirmed (Linux 4.18). */
const templateStates: ReadonlySet<string> = new Set(["NONE", "ASSURED"]);

/** Reads one line; null for the header, and for what is no connection. */
export function parseConnection(line: string): IpvsConnection | null {
  const fields = line.trim().split(/ +/);
  const [protocol, clientText, clientPort, targetText, targetPort, serverText, serverPort] = fields;
  const [state, expires, engine, ...data] = fields.slice(7);
  const client = readEndpoint(clientText, clientPort);
  const target = readEndpoint(targetText, targetPort);
  const server = readEndpoint(serverText, serverPort);
  if (protocol === undefined || state === undefined || !/^\d+$/.test(expires ?? "")) return null;
  if (client === null || target === null || server === null) return null;
  return {
    protocol: protocol.toLowerCase(),
    client,
    target,
    server,
    state,
    expiresS: Number(expires),
    persistence: engine === undefined ? null : { engine, data: data.join(" ") },
    isTemplate: client.port === 0 && templateStates.has(state),
  };
}

/** An IPv4 address in eight hexadecimal digits, an IPv6 one in eight full groups; the port in four digits. */
function readEndpoint(address: string | undefined, port: string | undefined): Endpoint | null {
  if (address === undefined || port === undefined || !/^[\dA-F]{4}$/.test(port)) return null;
  const digits = /^[\dA-Fa-f]{8}$|^(?:[\da-f]{4}:){7}[\da-f]{4}$/.test(address)
    ? address.replaceAll(":", "")
    : "";
  if (digits === "") return null;
  return { address: addressFromBytes(Uint8Array.fromHex(digits)), port: Number.parseInt(port, 16) };
}
