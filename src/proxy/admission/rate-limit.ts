import { addressFromBytes, addressBytes, familyOf } from "../../base/address.ts";
import type { RateKeyPlan, RateLimitPlan } from "../../config/admission-plan.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { RequestView } from "../request-view.ts";
import type { Gate } from "./gate.ts";
import type { RateTable } from "./rate-table.ts";

/** What a rate limit needs of its process. */
export interface RateContext {
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number;
  readonly after: (then: () => void, ms: number) => void;
  /** Notes a turn, for the other processes. */
  readonly spent: (limit: string, key: string) => void;
}

/** Longest key that is told apart from others; a cookie may be of any length. */
const mostKeyLength = 128;

/** Makes the gate that holds requests to a pace. One without a key, such as one without the cookie, passes. */
export function rateLimitGate(plan: RateLimitPlan, table: RateTable, context: RateContext): Gate {
  const keyOf = rateKey(plan.key);
  return (view) => {
    const key = keyOf(view);
    if (key === null) return null;
    const turn = table.take(key, context.now());
    if (turn.isRefused) return tooMany(turn.retryMs);
    context.spent(plan.id, key);
    if (!plan.delays || turn.delayMs <= 0) return null;
    return { begin: (settle) => context.after(() => settle(null), turn.delayMs) };
  };
}

function rateKey(plan: RateKeyPlan): (view: RequestView) => string | null {
  if (plan.kind === "source") return (view) => sourceKey(view.client);
  if (plan.kind === "path") return (view) => cut(view.path);
  const { kind, name } = plan;
  if (kind === "header") return (view) => cut(view.value(name));
  return (view) => cut(cookieOf(view.value("cookie"), name));
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

/** RFC 6585 §4. */
function tooMany(retryMs: number): Answer {
  const { body, fields, status } = plainAnswer(429);
  return { status, fields: `Retry-After: ${Math.max(1, Math.ceil(retryMs / 1000))}\r\n${fields}`, body };
}
