import { addressFromBytes, addressBytes, familyOf } from "../../base/address.ts";
import type { LimitKeyPlan } from "../../config/admission-plan.ts";
import { partOf } from "../request-key.ts";
import type { RequestView } from "../request-view.ts";

/** Longest key that is told apart from others; a cookie may be of any length. */
const mostKeyLength = 128;

/** Makes what reads the keys of requests; null is of a request that does not count, such as one without the cookie. */
export function limitKey(plan: LimitKeyPlan): (view: RequestView) => string | null {
  if (plan.kind === "all") return () => "all";
  if (plan.kind === "source") return (view) => sourceKey(view.client);
  if (plan.kind === "host") return (view) => cut(view.head.hostName);
  if (plan.kind === "cookie") return (view) => cut(cookieOf(view.value("cookie"), plan.name));
  return (view) => cut(partOf(view, plan));
}

function cut(key: string | null): string | null {
  return key === null || key === "" ? null : key.slice(0, mostKeyLength);
}

/** Gives what stands for a client: of IPv6 the first 64 bits, for whoever has one address there has them all. */
export function sourceKey(address: string): string {
  if (familyOf(address) === 4) return address;
  return addressFromBytes(addressBytes(address).map((octet, index) => (index < 8 ? octet : 0)));
}

/** Gives the value of a cookie in a Cookie field (RFC 6265 §4.2.1); null if it is not there. */
export function cookieOf(field: string | null, name: string): string | null {
  if (field === null) return null;
  // Several fields were joined by a comma.
  for (const pair of field.split(/[;,] */)) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals) === name) return pair.slice(equals + 1);
  }
  return null;
}
