import { familyOf } from "../base/address.ts";
import type { VirtualRoutePlan, VirtualRulePlan } from "../config/node-plan.ts";
import { isSameRoute, ruleKey } from "../kernel/fib-messages.ts";
import { ruleNote } from "../kernel/journal-notes.ts";
import { fibProtocol, type RouteChange, type RouteRequest, type RuleRequest } from "../kernel/rtnetlink.ts";

/** PURE: virtual routes and rules as the kernel is asked for them. */

/** A route or a rule of the kernel's. */
export type FibRequest =
  | { readonly kind: "route"; readonly route: RouteRequest }
  | { readonly kind: "rule"; readonly rule: RuleRequest };

// rtnetlink(7): RT_SCOPE_*, RTN_*, and FR_ACT_* of linux/fib_rules.h, whose refusals have the numbers of RTN_*.
const scopes = { universe: 0, link: 253 } as const;
const routeTypes = { unicast: 1, blackhole: 6, unreachable: 7, prohibit: 8, throw: 9 } as const;
const ruleActions = { table: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

/** Makes the request for a route; `linkIndex` is 0 for one that leads nowhere. */
export function routeRequest(plan: VirtualRoutePlan, linkIndex: number, table: number): FibRequest {
  const { destination, isOnLink, metric, source, via } = plan;
  const isNeighbour = plan.type === "unicast" && via === null && familyOf(destination.address) === 4;
  const route = {
    destination,
    linkIndex,
    gateway: via,
    source,
    metric,
    table,
    scope: isNeighbour ? scopes.link : scopes.universe,
    protocol: fibProtocol,
    type: routeTypes[plan.type],
    isOnLink,
  };
  return { kind: "route", route };
}

/** Makes the request for a rule; `table` is 0 for one that refuses. */
export function ruleRequest(plan: VirtualRulePlan, table: number): FibRequest {
  const { family, from, mark, priority, to } = plan;
  const rule = {
    family,
    priority,
    from,
    to,
    inputLink: plan.inputInterface,
    outputLink: plan.outputInterface,
    mark,
    table,
    action: ruleActions[plan.action.kind],
    protocol: fibProtocol,
  };
  return { kind: "rule", rule };
}

/** Tells whether two requests are for the same thing, whoever made it. */
export function isSameRequest(a: FibRequest, b: FibRequest): boolean {
  if (a.kind === "route") return b.kind === "route" && isSameRoute(a.route, b.route);
  return b.kind === "rule" && ruleKey(a.rule) === ruleKey(b.rule);
}

/** Makes the change that adds or removes. */
export function fibChange(verb: "add" | "remove", request: FibRequest): RouteChange {
  return request.kind === "route"
    ? { kind: `${verb}-route`, route: request.route }
    : { kind: `${verb}-rule`, rule: request.rule };
}

/** Names what was found in the kernel. */
export function foundText(request: FibRequest): string {
  if (request.kind === "rule") return `rule ${request.rule.priority}`;
  const { destination, gateway, table } = request.route;
  const via = gateway === null ? "" : ` via ${gateway}`;
  return `route ${destination.address}/${destination.length}${via} in table ${table}`;
}

/** Gives what the journal calls a rule; a route needs no note: kernels of every age keep its tag. */
export function notesOf(request: FibRequest): readonly string[] {
  return request.kind === "rule" ? [ruleNote(request.rule)] : [];
}
