import type { Coding } from "../../config/content-plan.ts";

/** PURE: what a client takes, RFC 9110 §12.5.3. */

/** What becomes of an answer for one client. */
export interface ChosenCoding {
  /** Null sends it as it is. */
  readonly coding: Coding | null;
  /** Whether the client wants nothing as it is, so that even what is short is encoded. */
  readonly refusesIdentity: boolean;
}

// RFC 9110 §12.4.2.
const quality = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/;

/** Without the field only what is not encoded is sure to be understood. */
const asItIs: ChosenCoding = { coding: null, refusesIdentity: false };

/**
 * Gives the coding that a client likes best, of two alike the one that stands first in `codings`; none if it takes none of
 * them, or likes what is not encoded better. `accepted` is the value of Accept-Encoding, null if there is none.
 */
export function chooseCoding(accepted: string | null, codings: readonly Coding[]): ChosenCoding {
  if (accepted === null) return asItIs;
  const weights = weightsOf(accepted);
  const others = weights.get("*") ?? 0;
  const identity = weights.get("identity");
  let best: Coding | null = null;
  // What is not encoded is taken unless refused, but is not what somebody wants who does not name it.
  let most = identity ?? 0;
  for (const coding of codings) {
    const weight = weights.get(coding) ?? others;
    if (weight > 0 && (weight > most || (best === null && weight === most))) [best, most] = [coding, weight];
  }
  const refusesIdentity =
    best !== null && (identity === 0 || (identity === undefined && weights.get("*") === 0));
  return best === null ? asItIs : { coding: best, refusesIdentity };
}

/** Reads weights by coding in lower case; an element with a weight that is none counts as refused. */
function weightsOf(accepted: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((one) => one.trim());
    if (name === "") continue;
    const weight = parameters.find((one) => one.startsWith("q="))?.slice(2) ?? "1";
    // RFC 9110 §8.4.1.3: x-gzip is gzip.
    weights.set(name === "x-gzip" ? "gzip" : name, quality.test(weight) ? Number(weight) : 0);
  }
  return weights;
}
