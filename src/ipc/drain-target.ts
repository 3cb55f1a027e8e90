import { canonicalAddress, familyOf, type Endpoint } from "../base/address.ts";

/** Servers as `edge-ha drain` and `edge-ha enable` name them. PURE. */

/** A server of a service. */
export interface DrainTarget {
  /** Name of the `[[service]]`. */
  readonly service: string;
  readonly address: string;
  /** Null is the server at every port. */
  readonly port: number | null;
}

/** Reads `web/192.0.2.8`, `web/192.0.2.8:80` or `web/[2001:db8::8]:80`; null if it is none of them. */
export function parseDrainTarget(text: string): DrainTarget | null {
  const slash = text.indexOf("/");
  const match = /^(?:\[([^\]]+)\]|([^:]+)|([^[\]]+?))(?::(\d{1,5}))?$/.exec(text.slice(slash + 1));
  if (slash < 1 || match === null) return null;
  const whole = canonicalAddress(text.slice(slash + 1));
  const address = whole ?? canonicalAddress(match[1] ?? match[2] ?? "");
  if (address === null) return null;
  const port = whole === null && match[4] !== undefined ? Number(match[4]) : null;
  if (port !== null && (port < 1 || port > 65_535)) return null;
  return { service: text.slice(0, slash), address, port };
}

/** Writes a target as the command takes it. */
export function formatDrainTarget({ service, address, port }: DrainTarget): string {
  if (port === null) return `${service}/${address}`;
  return `${service}/${familyOf(address) === 6 ? `[${address}]` : address}:${port}`;
}

/** Tells whether a target is a server of a service. */
export function concerns(target: DrainTarget, service: { readonly name: string }, server: Endpoint): boolean {
  if (target.service !== service.name || target.address !== server.address) return false;
  return target.port === null || target.port === server.port;
}

/** Tells whether two targets are the same. */
export function isSameTarget(one: DrainTarget, other: DrainTarget): boolean {
  return one.service === other.service && one.address === other.address && one.port === other.port;
}
