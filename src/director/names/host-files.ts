import { canonicalAddress, type Endpoint } from "../../base/address.ts";

/** What this host's own files say of names. PURE. */

/** Whom a host asks that says nothing of it (resolv.conf(5)). */
const usualServer = { address: "127.0.0.1", port: 53 };
/** The C library takes no more notice. */
const mostServers = 3;

/** Reads the name servers of /etc/resolv.conf. Of one on a link of its own (`fe80::1%eth0`) no notice is taken. */
export function nameServers(text: string): readonly Endpoint[] {
  const found = text.split("\n").flatMap((line): readonly Endpoint[] => {
    const [key, value] = line.trim().split(/\s+/);
    const address = key === "nameserver" ? canonicalAddress(value ?? "") : null;
    return address === null ? [] : [{ address, port: 53 }];
  });
  return found.length === 0 ? [usualServer] : found.slice(0, mostServers);
}

/** Reads the addresses of names in /etc/hosts; names in lower case, without a last dot. */
export function hostAddresses(text: string): ReadonlyMap<string, readonly string[]> {
  const addresses = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const [first = "", ...names] = (line.split("#")[0] ?? "").trim().split(/\s+/);
    const address = canonicalAddress(first);
    if (address === null) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, "");
      const before = addresses.get(key) ?? [];
      if (!before.includes(address)) addresses.set(key, [...before, address]);
    }
  }
  return addresses;
}
