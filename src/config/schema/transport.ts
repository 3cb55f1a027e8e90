import { z } from "zod";
import type { TtlRange } from "../node-plan.ts";
import { address, choice, complaint, flag, integer, orNull, table, wants } from "./fields.ts";
import { interfacePerNode, type PerNode, perNode } from "./per-node.ts";

/** How advertisements travel: to a group, or to each of the peers. */
export type TransportWord = "multicast" | "unicast";

/** What a router that is spelled out may say of its peers. */
export type PeersEntry = TransportWord | PerNode<readonly string[]>;

/** What `[cluster]`, `[[vip]]` and `[[vrrp]]` share; null is what stands above, or the default. */
export interface TransportEntry {
  readonly unicast_ttl: TtlRange | null;
  readonly check_source: boolean | null;
  readonly heartbeats: readonly PerNode<string>[] | null;
}

/** `peers = "unicast"`. */
export const transportWordSchema: z.ZodType<TransportWord> = choice(["multicast", "unicast"]);

const listExample = 'peers = ["192.0.2.11", "192.0.2.12"]';
const peerList: z.ZodType<readonly string[]> = z
  .array(address(listExample), { error: wants("a list of addresses", listExample) })
  .min(1, { error: complaint("is an empty list", `write ${listExample}`) });
const peerLists = perNode(peerList, peerList, wants("a list of addresses", listExample));

/** `peers = "unicast"`, a list of addresses, or a list for each node. */
export const peersSchema: z.ZodType<PeersEntry> = z.unknown().transform((value, context): PeersEntry => {
  const schema: z.ZodType<PeersEntry> = typeof value === "string" ? transportWordSchema : peerLists;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    context.addIssue({ code: "custom", message: issue.message, path: [...issue.path] });
  }
  return z.NEVER;
});

const ttlExample = "unicast_ttl = 250, or unicast_ttl = { min = 250, max = 252 }";
const ttl = integer(1, 255, ttlExample);
const ttlTable = table({ min: ttl, max: ttl.optional() }, ttlExample);

/** The lowest TTL that is accepted, or a range. */
const ttlSchema: z.ZodType<TtlRange> = z.unknown().transform((value, context): TtlRange => {
  const given = typeof value === "number" ? { min: value } : value;
  const result = ttlTable.safeParse(given);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const path = typeof value === "number" ? [] : [...issue.path];
      context.addIssue({ code: "custom", message: issue.message, path });
    }
    return z.NEVER;
  }
  const { min, max = 255 } = result.data;
  if (min <= max) return { min, max };
  context.addIssue(complaint(`${min} to ${max} is no range`, `write ${ttlExample}`));
  return z.NEVER;
});

const heartbeatsExample = 'heartbeats = ["eth1"]';

/** The keys that stand in all three tables. */
export const transport: { readonly [Key in keyof TransportEntry]: z.ZodType<TransportEntry[Key]> } = {
  unicast_ttl: orNull(ttlSchema),
  check_source: orNull(flag("check_source = true")),
  heartbeats: orNull<readonly PerNode<string>[]>(
    z.array(interfacePerNode(heartbeatsExample), { error: wants("a list of interfaces", heartbeatsExample) }),
  ),
};
