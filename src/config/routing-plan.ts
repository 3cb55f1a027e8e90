import type { Prefix } from "../base/address.ts";
import type { HeaderRulesPlan } from "./http-plan.ts";

/** Which requests a route takes, and what becomes of them besides being sent to a server. */
export interface RoutingPlan {
  readonly pathKind: PathKind;
  readonly conditions: ConditionsPlan;
  readonly access: AccessPlan | null;
  readonly redirect: RedirectPlan | null;
  readonly respond: RespondPlan | null;
  readonly rewrite: RewritePlan | null;
  readonly requestHeaders: HeaderRulesPlan;
  readonly cors: CorsPlan | null;
}

/** How a route's path is meant. */
export type PathKind = "exact" | "pattern" | "prefix";

/** What a request must have beside its path; an empty list asks for nothing. */
export interface ConditionsPlan {
  readonly methods: readonly string[];
  readonly headers: readonly ValueConditionPlan[];
  readonly query: readonly ValueConditionPlan[];
  readonly sources: readonly Prefix[];
}

/** What a field or a parameter of the query has to be. */
export interface ValueConditionPlan {
  /** Fields in lower case. */
  readonly name: string;
  readonly is: ValueTestPlan;
}

/** A test of one value. */
export type ValueTestPlan =
  | { readonly kind: "present" | "absent" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "pattern"; readonly pattern: string };

/** What the path becomes on its way to the server: the prefix, or what the pattern fits, is replaced. */
export type RewritePlan =
  | { readonly kind: "prefix"; readonly from: string; readonly to: string }
  | { readonly kind: "pattern"; readonly pattern: string; readonly to: string };

/** Where clients are sent. */
export interface RedirectPlan {
  readonly status: number;
  /** Text with variables; null goes to the same place, changed as the rest says, if that changes anything. */
  readonly to: string | null;
  readonly https: boolean;
  readonly www: "add" | "remove" | null;
  readonly trailingSlash: "add" | "remove" | null;
}

/** An answer without a server. */
export interface RespondPlan {
  readonly status: number;
  readonly body: string;
  readonly type: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Which pages of other origins may read the responses (Fetch standard, CORS protocol). */
export interface CorsPlan {
  /** `*`, origins, or origins with `*.` before their host. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** `*` is whatever the page asks for. */
  readonly headers: readonly string[];
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeS: number;
}

/** Who may come: the longest network that has the client decides; of both, `deny`; of none, whether `allow` is null. */
export interface AccessPlan {
  readonly allow: AddressListPlan | null;
  readonly deny: AddressListPlan | null;
}

/** Networks, in the plan and in files. */
export interface AddressListPlan {
  readonly prefixes: readonly Prefix[];
  readonly files: readonly string[];
}

/** What a listener says about everything that comes through it. */
export interface ListenerPolicyPlan {
  readonly trustedProxies: readonly Prefix[];
  readonly forwarded: ForwardedWord;
  readonly access: AccessPlan | null;
  readonly requestHeaders: HeaderRulesPlan;
  readonly responseHeaders: HeaderRulesPlan;
}

/** Which fields tell the server of the client. */
export type ForwardedWord = "both" | "rfc7239" | "x-forwarded";

/** What a site says about requests that none of its routes takes. */
export interface SitePolicyPlan {
  readonly access: AccessPlan | null;
  readonly redirect: RedirectPlan | null;
}

/** Changes no field. */
export const noHeaderRules: HeaderRulesPlan = { remove: [], set: [], add: [] };

/** A prefix, and nothing else. */
export const plainRouting: RoutingPlan = {
  pathKind: "prefix",
  conditions: { methods: [], headers: [], query: [], sources: [] },
  access: null,
  redirect: null,
  respond: null,
  rewrite: null,
  requestHeaders: noHeaderRules,
  cors: null,
};

/** Trusts nobody, and lets everybody in. */
export const plainListenerPolicy: ListenerPolicyPlan = {
  trustedProxies: [],
  forwarded: "x-forwarded",
  access: null,
  requestHeaders: noHeaderRules,
  responseHeaders: noHeaderRules,
};

/** Gives the files with networks that a plan names. */
export function addressFiles(access: AccessPlan | null): readonly string[] {
  return access === null ? [] : [...(access.allow?.files ?? []), ...(access.deny?.files ?? [])];
}

/** Joins rules with those of a table above: what stands further in is done later, and so can undo the other. */
export function joinHeaderRules(outer: HeaderRulesPlan, inner: HeaderRulesPlan): HeaderRulesPlan {
  const undone = new Set([...inner.remove, ...inner.set.map(([name]) => name)].map((n) => n.toLowerCase()));
  const left = ([name]: readonly [string, string]): boolean => !undone.has(name.toLowerCase());
  const added = outer.add.filter(left);
  return {
    // What was set and is removed further in has to be removed from what comes from elsewhere too.
    remove: [...new Set([...outer.remove, ...inner.remove])],
    set: [...outer.set.filter(left), ...inner.set],
    add: [...added, ...inner.add],
  };
}
