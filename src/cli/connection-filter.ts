import { canonicalAddress, familyOf, parsePrefix, prefixContains, type Prefix } from "../base/address.ts";
import type { IpvsConnection } from "../kernel/ipvs-connections.ts";

/** Which connections are to be shown; null is all. PURE. */
export interface ConnectionFilter {
  /** Name of a service as `status` shows it. */
  readonly service: string | null;
  readonly server: { readonly address: string; readonly port: number | null } | null;
  readonly client: Prefix | null;
}

/** Reads what the command line says; a text is what is wrong with it. */
export function parseConnectionFilter(words: {
  readonly service: string | null;
  readonly server: string | null;
  readonly client: string | null;
}): ConnectionFilter | string {
  const server = words.server === null ? null : parseServer(words.server);
  if (server === null && words.server !== null)
    return `--server ${words.server}: must be an address, or an address and a port such as 192.0.2.8:80 or [2001:db8::8]:80`;
  const client = words.client === null ? null : parseClient(words.client);
  if (client === null && words.client !== null)
    return `--client ${words.client}: must be an address or a network such as 192.0.2.0/24`;
  return { service: words.service, server, client };
}

/** Tells whether a connection of a service is to be shown. */
export function isShown(
  filter: ConnectionFilter,
  connection: IpvsConnection,
  service: string | null,
): boolean {
  const { server, client } = filter;
  if (filter.service !== null && filter.service !== service) return false;
  if (server !== null) {
    if (server.address !== connection.server.address) return false;
    if (server.port !== null && server.port !== connection.server.port) return false;
  }
  if (client === null) return true;
  const { address } = connection.client;
  return familyOf(address) === familyOf(client.address) && prefixContains(client, address);
}

function parseServer(text: string): ConnectionFilter["server"] {
  const whole = canonicalAddress(text);
  if (whole !== null) return { address: whole, port: null };
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = canonicalAddress(match?.[1] ?? match?.[2] ?? "");
  const port = Number(match?.[3]);
  return address === null || port > 65_535 ? null : { address, port };
}

function parseClient(text: string): Prefix | null {
  const address = canonicalAddress(text);
  return address === null ? parsePrefix(text) : { address, length: familyOf(address) === 4 ? 32 : 128 };
}
