import { addressFromBytes } from "../base/address.ts";
import { fromHex } from "../base/bytes.ts";

/** States of /proc/net/tcp in which a connection carries something yet: ESTABLISHED, and one side has ended. */
const carrying: ReadonlySet<string> = new Set(["01", "04", "05", "08"]);

/** PURE: counts the TCP connections to these VIPs in the text of /proc/net/tcp or /proc/net/tcp6. */
export function connectionsTo(vips: readonly string[], text: string): number {
  const wanted = new Set(vips);
  let count = 0;
  for (const line of text.split("\n")) {
    const [, local, , state] = line.trim().split(/\s+/);
    if (local === undefined || state === undefined || !carrying.has(state)) continue;
    if (wanted.has(addressOf(local.split(":")[0] ?? ""))) count += 1;
  }
  return count;
}

/** The kernel prints each 32-bit word in the host's byte order, here little-endian; IPv4 clients of `::` are mapped. */
function addressOf(words: string): string {
  const bytes = fromHex(words);
  for (let start = 0; start < bytes.length; start += 4) bytes.subarray(start, start + 4).reverse();
  const isMapped = bytes.length === 16 && words.startsWith("0000000000000000FFFF0000");
  return addressFromBytes(isMapped ? bytes.subarray(12) : bytes);
}
