import { addressFromBytes, familyOf, type Endpoint } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { fromHex } from "../base/bytes.ts";

/** A port that is listened on, and the address it is bound to (`0.0.0.0` or `::` is any). */
export interface Listener {
  readonly protocol: ListeningProtocol;
  readonly address: string;
  readonly port: number;
}

/** The protocols whose listeners can be seen. */
export type ListeningProtocol = "tcp" | "udp";

/** States TCP_LISTEN and, for sockets of UDP without another end, TCP_CLOSE, as /proc/net writes them. */
const listening = { tcp: "0A", udp: "07" } as const;

/** PURE: reads the listening ends out of the text of /proc/net/tcp, tcp6, udp or udp6. */
export function parseListeners(text: string, protocol: ListeningProtocol): readonly Listener[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      const isListening = local !== undefined && state === listening[protocol];
      return isListening ? [{ protocol, ...parseLocal(local) }] : [];
    });
}

/** Lists the ports on which `address` is answered over a protocol, in ascending order. */
export function portsAnswering(
  address: string,
  listeners: readonly Listener[],
  protocol: ListeningProtocol,
): readonly number[] {
  // A socket on `::` takes IPv4 as well, unless it says otherwise, which cannot be seen from here.
  const any = familyOf(address) === 6 ? ["::"] : ["0.0.0.0", "::", `::ffff:${address}`];
  const bound = new Set([address, ...any]);
  const ports = listeners
    .filter((one) => one.protocol === protocol && bound.has(mapped(one.address)))
    .map((one) => one.port);
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** An IPv4-mapped address is written `::ffff:c000:20a` by RFC 5952 code and `::ffff:192.0.2.10` by people. */
function mapped(address: string): string {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (groups === null) return address;
  const [high, low] = [Number.parseInt(groups[1] ?? "", 16), Number.parseInt(groups[2] ?? "", 16)];
  return `::ffff:${[high >> 8, high & 255, low >> 8, low & 255].join(".")}`;
}

/** The kernel prints each 32-bit word of the address as a number of the host's byte order, here little-endian. */
function parseLocal(local: string): Endpoint {
  const [words, port] = local.split(":");
  assert(words !== undefined && port !== undefined, `/proc/net/tcp has the local end ${local}`);
  const bytes = fromHex(words);
  for (let start = 0; start < bytes.length; start += 4) bytes.subarray(start, start + 4).reverse();
  return { address: addressFromBytes(bytes), port: Number.parseInt(port, 16) };
}
