import { familyOf } from "../base/address.ts";
import { localEnds } from "./socket-table.ts";

/** A port that is listened on, and the address it is bound to (`0.0.0.0` or `::` is any). */
export interface Listener {
  readonly protocol: ListeningProtocol;
  readonly address: string;
  readonly port: number;
}

/** The protocols whose listeners can be seen. */
export type ListeningProtocol = "tcp" | "udp";

/** States TCP_LISTEN and, for sockets of UDP without another end, TCP_CLOSE, as /proc/net writes them. */
const listening = { tcp: new Set(["0A"]), udp: new Set(["07"]) } as const;

/** PURE: reads the listening ends out of the text of /proc/net/tcp, tcp6, udp or udp6. */
export function parseListeners(text: string, protocol: ListeningProtocol): readonly Listener[] {
  const ends = localEnds(text, listening[protocol]);
  return ends.map(({ address, port }) => ({ protocol, address, port }));
}

/** Lists the ports on which `address` is answered over a protocol, in ascending order. */
export function portsAnswering(
  address: string,
  listeners: readonly Listener[],
  protocol: ListeningProtocol,
): readonly number[] {
  // A socket on `::` takes IPv4 as well, unless it says otherwise, which cannot be seen from here.
  const any = familyOf(address) === 6 ? ["::"] : ["0.0.0.0", "::"];
  const bound = new Set([address, ...any]);
  const ports = listeners
    .filter((one) => one.protocol === protocol && bound.has(one.address))
    .map((one) => one.port);
  return [...new Set(ports)].sort((a, b) => a - b);
}
