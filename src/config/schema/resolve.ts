import { z } from "zod";
import { assert } from "../../base/assert.ts";
import { canonicalAddress, type Endpoint, type Family } from "../../base/address.ts";
import {
  choice,
  complaint,
  duration,
  integer,
  orElse,
  orNull,
  parseEndpoint,
  table,
  wants,
} from "./fields.ts";
import { derived, doubt, shortcutOf } from "./shortcut.ts";

/** A server that goes by a name. */
export interface NamedPlace {
  /** In lower case, without the last dot. */
  readonly name: string;
  /** Null where SRV records say it. */
  readonly port: number | null;
}

/** `resolve = { resolvers = ["192.0.2.53"] }`: how names of servers are looked up. */
export interface ResolveEntry {
  readonly resolvers: readonly Endpoint[];
  readonly family: "any" | "ipv4" | "ipv6";
  readonly timeout: number;
  readonly tries: number;
  readonly min_ttl: number;
  readonly max_ttl: number;
  readonly keep: number | null;
  readonly max_servers: number;
}

/** What `resolve.family` means. */
export const resolvedFamilies: Readonly<Record<ResolveEntry["family"], readonly Family[]>> = {
  any: [4, 6],
  ipv4: [4],
  ipv6: [6],
};

const placeExample = 'address = "192.0.2.8:80" or "app.example:80"';

/** RFC 1123 §2.1, and underscores, which names of services begin with (RFC 2782) and some hosts have. */
const labelText = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Reads `app.example:80`, or `_http._tcp.app.example`, which SRV records are behind; null if it is neither. */
export function parseNamedPlace(value: string): NamedPlace | null {
  const match = /^([^:]+?)\.?(?::(\d{1,5}))?$/.exec(value.toLowerCase());
  const name = match?.[1] ?? "";
  const labels = name.split(".");
  const isName = name.length <= 253 && labels.every((label) => labelText.test(label));
  // What ends in a number is an address, or a slip of the pen in one.
  if (!isName || /^\d+$/.test(labels.at(-1) ?? "")) return null;
  const isService = labels.length > 2 && name.startsWith("_") && labels[1]?.startsWith("_") === true;
  if (match?.[2] === undefined) return isService ? { name, port: null } : null;
  const port = Number(match[2]);
  return isService || port < 1 || port > 65_535 ? null : { name, port };
}

/** Where a server of an upstream is: an address with a port, a name with one, or the name of a service. */
export const serverPlace: z.ZodType<Endpoint | NamedPlace> = z
  .string({ error: wants("an address or a name with a port, in quotes", placeExample) })
  .transform((value, context) => {
    const place = parseEndpoint(value) ?? parseNamedPlace(value);
    if (place !== null) return place;
    const what = `${JSON.stringify(value)} is no address or name with a port`;
    context.addIssue(
      complaint(
        what,
        `write ${placeExample}; a name without a port is one of SRV records, as "_http._tcp.app.example"`,
      ),
    );
    return z.NEVER;
  });

const resolverExample = 'resolvers = ["192.0.2.53"]';
const dnsPort = 53;

const resolver = z
  .string({ error: wants("an address in quotes", resolverExample) })
  .transform((value, context): Endpoint => {
    const address = canonicalAddress(value);
    const endpoint = address === null ? parseEndpoint(value) : { address, port: dnsPort };
    if (endpoint !== null) return endpoint;
    context.addIssue(
      complaint(
        `${JSON.stringify(value)} is no address of a name server`,
        `write ${resolverExample}, with a port if it is not 53`,
      ),
    );
    return z.NEVER;
  });

const day = 86_400_000;

const entryTable: z.ZodType<ResolveEntry> = table(
  {
    resolvers: orElse(
      z
        .array(resolver, { error: wants("a list of name servers", resolverExample) })
        .min(1, { error: complaint("is an empty list", `write ${resolverExample}, or leave it out`) })
        .max(8, { error: complaint("has more than 8 name servers", "leave some out") }),
      [],
    ),
    family: orElse(choice(["any", "ipv4", "ipv6"]), "any"),
    timeout: orElse(duration(10, 60_000, 'timeout = "2s"'), 2_000),
    tries: orElse(integer(1, 10, "tries = 2"), 2),
    min_ttl: orElse(duration(100, day, 'min_ttl = "1s"'), 1_000),
    max_ttl: orElse(duration(100, day, 'max_ttl = "1h"'), 3_600_000),
    keep: orNull(duration(0, 365 * day, 'keep = "1h"')),
    max_servers: orElse(integer(1, 1_000, "max_servers = 64"), 64),
  },
  'resolve = { resolvers = ["192.0.2.53"] }',
);

/** `resolve`. */
export const resolveSchema: z.ZodType<ResolveEntry> = derived(entryTable, (entry, complain): ResolveEntry => {
  const { min_ttl: least, max_ttl: most } = entry;
  if (most < least) complain(["max_ttl"], complaint("is shorter than min_ttl", "write a longer one"));
  return entry;
});

const empty = shortcutOf(entryTable)({});
assert(empty !== doubt, "every key of resolve may be left out");

/** What holds without the table. */
export const usualResolve: ResolveEntry = empty;
