import { canonicalAddress } from "../../base/address.ts";
import type { TlsPlan } from "../check-plan.ts";
import { complaint, filePath, flag, orElse, orNull, text } from "../schema/fields.ts";
import type { Conflict, Keys } from "./keys.ts";

/** How checks over TLS ask for a certificate and judge it: `sni`, `ca` and `verify`. */

/** The keys as the file has them. */
export interface TlsEntry {
  readonly sni: string | null;
  readonly ca: string | null;
  readonly verify: boolean;
}

const serverName = text('sni = "shop.example"', 253).superRefine((value, context) => {
  // RFC 6066 §3: a name, never an address.
  if (/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value) && canonicalAddress(value) === null) return;
  context.addIssue(
    complaint(`${JSON.stringify(value)} is no name of a server`, 'write a name, as in sni = "shop.example"'),
  );
});

/** The keys. */
export const tlsKeys: Keys<TlsEntry> = {
  sni: orNull(serverName),
  ca: orNull(filePath('ca = "/etc/edge-ha/tls/ca.pem"')),
  verify: orElse(flag("verify = false"), true),
};

/** Reads the keys; without `sni` the name asked for is `host`, if that is a name. */
export function tlsOf(entry: TlsEntry, host: string | null): TlsPlan {
  return { serverName: entry.sni ?? nameIn(host), ca: entry.ca, verifies: entry.verify };
}

/** Writes what tells such a check from others. */
export function tlsWords(tls: TlsPlan, host: string | null): readonly string[] {
  return [
    ...(tls.serverName === null || tls.serverName === nameIn(host) ? [] : [`sni ${tls.serverName}`]),
    ...(tls.ca === null ? [] : [`ca ${tls.ca}`]),
    ...(tls.verifies ? [] : ["unverified"]),
  ];
}

/** The name in a Host field, without its port; null if it is an address. */
function nameIn(host: string | null): string | null {
  const name = host?.replace(/:\d+$/, "") ?? "";
  return name === "" || name.startsWith("[") || canonicalAddress(name) !== null ? null : name;
}

/** Finds keys of TLS in a table whose `asked` says that there is none. */
export function tlsConflict(entry: TlsEntry, asked: string): Conflict | null {
  const key = entry.sni !== null ? "sni" : entry.ca !== null ? "ca" : entry.verify ? null : "verify";
  return key === null
    ? null
    : { key, complaint: complaint("concerns TLS", `write ${asked} = true beside it`) };
}
