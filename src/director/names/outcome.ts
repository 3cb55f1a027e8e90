import type { DnsRecordType, DnsReply } from "../../health/dns/message.ts";

/** What one question about a name came to. PURE. */
export type Outcome =
  | { readonly kind: "records"; readonly data: readonly string[]; readonly ttlMs: number }
  /** It is said that there is nothing, and for how long that holds; null if that is not said. */
  | { readonly kind: "none"; readonly reason: string; readonly ttlMs: number | null }
  | { readonly kind: "failed"; readonly reason: string };

/** More aliases in a row than this are a mistake. */
const mostAliases = 16;

/**
 * Reads what a name server has answered to a question about `name`. Aliases are followed as far as the answer does: who is
 * asked is a resolver, which has looked the rest up itself (RFC 1034 §5.3.3). The shortest life on the way holds.
 */
export function outcomeOf(reply: DnsReply, name: string, type: DnsRecordType): Outcome {
  const { answers, negativeTtlS, rcode } = reply;
  const negativeTtlMs = negativeTtlS === null ? null : negativeTtlS * 1000;
  if (rcode === "NXDOMAIN") return { kind: "none", reason: "there is no such name", ttlMs: negativeTtlMs };
  if (rcode !== "NOERROR") return { kind: "failed", reason: rcode };
  let owner = name;
  let ttlS = Infinity;
  for (let aliases = 0; aliases <= mostAliases; aliases++) {
    const own = answers.filter((answer) => answer.name === owner);
    const records = own.filter((answer) => answer.type === type);
    if (records.length > 0) {
      const least = Math.min(ttlS, ...records.map((record) => record.ttlS));
      return { kind: "records", data: [...new Set(records.map(({ data }) => data))], ttlMs: least * 1000 };
    }
    const alias = own.find((answer) => answer.type === "CNAME");
    if (alias === undefined) {
      const of = owner === name ? "" : ` of ${owner}`;
      return { kind: "none", reason: `there is no ${type} record${of}`, ttlMs: negativeTtlMs };
    }
    owner = alias.data;
    ttlS = Math.min(ttlS, alias.ttlS);
  }
  return { kind: "failed", reason: "its aliases go round in a circle" };
}
