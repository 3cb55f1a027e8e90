import { addressFromBytes, type Endpoint } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { fromHex } from "../base/bytes.ts";

/**
 * PURE: reads the local ends of the sockets in these states out of the text of /proc/net/tcp, tcp6, udp or udp6. States are
 * as they are written there, such as `0A`; an IPv4 address over IPv6 is given as IPv4.
 */
export function localEnds(text: string, states: ReadonlySet<string>): readonly Endpoint[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return local !== undefined && state !== undefined && states.has(state) ? [parseLocal(local)] : [];
    });
}

/** The kernel prints each 32-bit word of the address as a number of the host's byte order, here little-endian. */
function parseLocal(local: string): Endpoint {
  const [words, port] = local.split(":");
  assert(words !== undefined && port !== undefined, `/proc/net/tcp has the local end ${local}`);
  const bytes = fromHex(words);
  for (let start = 0; start < bytes.length; start += 4) bytes.subarray(start, start + 4).reverse();
  const isMapped = words.startsWith("0000000000000000FFFF0000");
  return {
    address: addressFromBytes(isMapped ? bytes.subarray(12) : bytes),
    port: Number.parseInt(port, 16),
  };
}
