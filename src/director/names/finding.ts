import { compareAddresses, familyOf, type Family } from "../../base/address.ts";
import type { FoundServer, SrvWords } from "../../config/lookup-plan.ts";
import { isHostAddress } from "../../config/schema/fields.ts";
import type { Outcome } from "./outcome.ts";

/** What looking a name up came to, with all questions that it takes. PURE. */
export type Finding =
  | {
      readonly kind: "found";
      readonly servers: readonly FoundServer[];
      readonly ttlMs: number;
      /** What part of it could not be looked up anew, and is as it was before; null is none. */
      readonly complaint: string | null;
    }
  | { readonly kind: "none"; readonly reason: string; readonly ttlMs: number | null }
  | { readonly kind: "failed"; readonly reason: string };

/** Addresses of a host, as they were found. */
export type AddressFinding = Extract<Finding, { readonly kind: "none" | "failed" }> | FoundAddresses;

/** The addresses there are. */
export interface FoundAddresses {
  readonly kind: "found";
  readonly addresses: readonly string[];
  readonly ttlMs: number;
  readonly complaint: string | null;
}

/**
 * Puts together what was found for a name in several families. One that cannot be looked up, as happens behind name servers
 * that know IPv4 alone, leaves what is `known` of it; nothing in one family is no mistake.
 */
export function joinFamilies(
  outcomes: readonly (readonly [Family, Outcome])[],
  known: readonly string[],
): AddressFinding {
  const failed = outcomes.flatMap(([family, outcome]) =>
    outcome.kind === "failed" ? [{ family, outcome }] : [],
  );
  const complaint = failed[0]?.outcome.reason ?? null;
  const ttls = outcomes.flatMap(([, outcome]) => (outcome.kind === "records" ? [outcome.ttlMs] : []));
  if (ttls.length === 0) {
    if (complaint !== null) return { kind: "failed", reason: complaint };
    const none = outcomes.flatMap(([, outcome]) => (outcome.kind === "none" ? [outcome] : []));
    const lives = none.flatMap(({ ttlMs }) => (ttlMs === null ? [] : [ttlMs]));
    const reason = [...new Set(none.map((outcome) => outcome.reason))].join(", ");
    return { kind: "none", reason, ttlMs: lives.length === 0 ? null : Math.min(...lives) };
  }
  const kept = known.filter((address) => failed.some(({ family }) => family === familyOf(address)));
  const addresses = outcomes
    .flatMap(([, outcome]) => (outcome.kind === "records" ? outcome.data : []))
    .filter(isServerAddress);
  if (addresses.length === 0)
    return { kind: "none", reason: "none of its addresses is a host's", ttlMs: Math.min(...ttls) };
  return { kind: "found", addresses: [...addresses, ...kept], ttlMs: Math.min(...ttls), complaint };
}

/** Name servers that hold names back say 0.0.0.0, which would be this host itself; what is of loopback says so. */
function isServerAddress(address: string): boolean {
  return isHostAddress(address) || address.startsWith("127.") || address === "::1";
}

/** Gives the addresses of a name as its servers. */
export function plainFinding(finding: AddressFinding): Finding {
  if (finding.kind !== "found") return finding;
  const { addresses, complaint, ttlMs } = finding;
  return { kind: "found", servers: addresses.map((address) => ({ address, srv: null })), ttlMs, complaint };
}

/**
 * Reads SRV records, the first to be used first. A target of "." says that the service is decidedly not there
 * (RFC 2782), and port 0 is nowhere.
 */
export function srvRecords(data: readonly string[]): readonly SrvWords[] {
  const records = data.flatMap((text): readonly SrvWords[] => {
    const match = /^(\d+) (\d+) (\d+) (.+)$/s.exec(text);
    const [priority, weight, port] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
    const target = match?.[4] ?? ".";
    return target === "." || port === 0 ? [] : [{ priority, weight, port, target }];
  });
  return records.toSorted(
    (one, other) =>
      one.priority - other.priority ||
      (one.target < other.target ? -1 : one.target > other.target ? 1 : 0) ||
      one.port - other.port,
  );
}

/** Puts together SRV records and what was found for their targets; a target that cannot be looked up stays as it is `known`. */
export function joinTargets(
  { records, ttlMs }: { readonly records: readonly SrvWords[]; readonly ttlMs: number },
  targets: ReadonlyMap<string, AddressFinding>,
  known: readonly FoundServer[],
): Finding {
  let [least, complaint]: [number, string | null] = [ttlMs, null];
  const servers = records.flatMap((srv): readonly FoundServer[] => {
    const finding = targets.get(srv.target);
    if (finding?.kind === "found") {
      least = Math.min(least, finding.ttlMs);
      if (finding.complaint !== null) complaint ??= `${srv.target}: ${finding.complaint}`;
      return finding.addresses.map((address) => ({ address, srv }));
    }
    complaint ??= `${srv.target}: ${finding?.reason ?? "not looked up"}`;
    const before = known.filter((server) => server.srv?.target === srv.target);
    return [...new Set(before.map(({ address }) => address))].map((address) => ({ address, srv }));
  });
  if (servers.length === 0 && complaint !== null) return { kind: "failed", reason: complaint };
  return { kind: "found", servers, ttlMs: least, complaint };
}

/** Puts servers in an order that does not depend on that of an answer, so that both nodes leave out the same ones. */
export function inOrder(servers: readonly FoundServer[]): readonly FoundServer[] {
  return servers.toSorted(
    (one, other) =>
      (one.srv?.priority ?? 0) - (other.srv?.priority ?? 0) ||
      familyOf(one.address) - familyOf(other.address) ||
      compareAddresses(one.address, other.address) ||
      (one.srv?.port ?? 0) - (other.srv?.port ?? 0),
  );
}
