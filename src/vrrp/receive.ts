import { compareAddresses, isLinkLocal } from "../base/address.ts";
import { equalBytes } from "../base/bytes.ts";
import type { ArrivalCause } from "./arrival.ts";
import { type Advert, authenticationOf, type Malformation } from "./packet.ts";
import { formatMs } from "./timers.ts";

/**
 * Whether a well-formed advertisement counts for an instance: the checks of RFC 9568 §7.1 and RFC 3768 §7.1 that
 * need its configuration. PURE.
 *
 * A list of addresses that differs from ours is counted and reported but not a reason to drop, in either version.
 * RFC 3768 lets a receiver make this check or leave it out, and RFC 9568 only asks for a report; a router that
 * drops on it turns a change of the list, made on one node after the other, into two active routers.
 */

/** What an instance expects. */
export interface ReceiveRules {
  readonly version: 2 | 3;
  readonly advertIntervalMs: number;
  readonly password: string | null;
  /** What an advertisement should list; null does not compare. */
  readonly addresses: readonly string[] | null;
  /** This router's own source address. */
  readonly source: string;
  /** Whether a source has to be link-local: over IPv6 by multicast. */
  readonly wantsLinkLocal: boolean;
}

/** Why an advertisement did not count. */
export type DropCause = Malformation | ArrivalCause | "auth" | "reflected" | AuthCause;

/** Why a signature did not count. */
export type AuthCause = "authMissing" | "authFailed" | "authUnknownKey" | "authReplay" | "authStale";

/** What is odd about an advertisement that counts all the same. */
export type Oddity = "interval" | "addressList" | "linkLocal" | "source" | SignatureOddity;

/** What is odd about a signature, or its absence, that does no harm. */
export type SignatureOddity = "unsigned" | "signed";

/** A sentence fragment about an advertisement, with what it is counted under. */
export interface Remark<Kind> {
  readonly kind: Kind;
  readonly explanation: string;
}

/** The verdict on a signature. */
export type SignatureVerdict =
  | { readonly kind: "valid" }
  | { readonly kind: "odd"; readonly remark: Remark<SignatureOddity> }
  | { readonly kind: "refused"; readonly remark: Remark<AuthCause> };

/** The verdict on an advertisement. */
export type Judged =
  | { readonly kind: "dropped"; readonly remark: Remark<DropCause> }
  | { readonly kind: "accepted"; readonly oddities: readonly Remark<Oddity>[] };

/** Judges an advertisement for the virtual router it names; `judgeSignature` is asked at most once. */
export function judgeAdvert(
  rules: ReceiveRules,
  advert: Advert,
  source: string,
  judgeSignature: () => SignatureVerdict,
): Judged {
  // A bridge may hand our own frames back; answering them would never end.
  if (source === rules.source) return drop("reflected", "it has our own source address");
  if (advert.version !== rules.version) {
    return drop("version", `its version is ${advert.version}, ours is ${rules.version}`);
  }
  const signature = judgeSignature();
  if (signature.kind === "refused") return { kind: "dropped", remark: signature.remark };
  const authProblem = advert.version === 2 ? judgeAuth(rules.password, advert) : null;
  if (authProblem !== null) return drop("auth", authProblem);
  const isOtherInterval = advert.intervalMs !== rules.advertIntervalMs;
  const aboutInterval = `its interval is ${formatMs(advert.intervalMs)}, ours is ${formatMs(rules.advertIntervalMs)}`;
  // RFC 3768 §7.1: the interval must be the configured one. RFC 9568 §7.1: reported only, and learned in Backup.
  if (isOtherInterval && rules.version === 2) return drop("interval", aboutInterval);
  const oddities: Remark<Oddity>[] = signature.kind === "odd" ? [signature.remark] : [];
  if (isOtherInterval && advert.priority !== 0)
    oddities.push({ kind: "interval", explanation: aboutInterval });
  if (rules.addresses !== null && !hasSameMembers(advert.addresses, rules.addresses)) {
    const explanation = `it lists ${advert.addresses.join(", ")}, we have ${rules.addresses.join(", ")}`;
    oddities.push({ kind: "addressList", explanation });
  }
  const [first] = advert.addresses;
  // RFC 9568 §5.2.9: it must be; keepalived sends what its operator wrote, and a drop would make two active routers.
  if (advert.family === 6 && first !== undefined && !isLinkLocal(first)) {
    oddities.push({ kind: "linkLocal", explanation: `its first address ${first} is not link-local` });
  }
  // RFC 9568 §5.1.2.1: it must be; what the sender's operator wrote is no reason for two active routers.
  if (rules.wantsLinkLocal && !isLinkLocal(source)) {
    oddities.push({ kind: "source", explanation: `its source ${source} is not link-local` });
  }
  return { kind: "accepted", oddities };
}

function drop(kind: DropCause, explanation: string): Judged {
  return { kind: "dropped", remark: { kind, explanation } };
}

function judgeAuth(password: string | null, advert: Advert): string | null {
  const expected = authenticationOf(password);
  if (advert.auth.type !== expected.type) {
    return `its authentication type is ${advert.auth.type}, ours is ${expected.type}`;
  }
  // RFC 3768 §5.3.7: the data of type 0 is ignored.
  if (expected.type === 0 || equalBytes(advert.auth.data, expected.data)) return null;
  return "its password is not ours";
}

function hasSameMembers(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const sorted = b.toSorted(compareAddresses);
  return a.toSorted(compareAddresses).every((address, index) => address === sorted[index]);
}
