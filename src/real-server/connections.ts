import { localEnds } from "./socket-table.ts";

/** States of /proc/net/tcp in which a connection carries something yet: ESTABLISHED, and one side has ended. */
const carrying: ReadonlySet<string> = new Set(["01", "04", "05", "08"]);

/** PURE: counts the TCP connections to these VIPs in the text of /proc/net/tcp or /proc/net/tcp6. */
export function connectionsTo(vips: readonly string[], text: string): number {
  return localEnds(text, carrying).filter(({ address }) => vips.includes(address)).length;
}
