import type { RoutePlan } from "./http-plan.ts";
import { formatDuration } from "./units.ts";
import type { AccessPlan, ListenerPolicyPlan, RoutingPlan, ValueConditionPlan } from "./routing-plan.ts";

/** PURE: what routes take and do, in words. */

/** Tells which requests a route takes and what becomes of them. */
export function routeWords({ path, retries, routing, upstream }: RoutePlan): string {
  const kind = { exact: "exactly ", pattern: "paths like ", prefix: "" }[routing.pathKind];
  return `${kind}${path}${conditionWords(routing)} ${wayWords(routing, upstream)}${retryWords(retries)}${accessWords(routing.access)}`;
}

function conditionWords({ conditions }: RoutingPlan): string {
  const { headers, methods, query, sources } = conditions;
  const parts = [
    ...(methods.length === 0 ? [] : [methods.join("/")]),
    ...headers.map((one) => `field ${testWords(one)}`),
    ...query.map((one) => `parameter ${testWords(one)}`),
    ...(sources.length === 0
      ? []
      : [`from ${sources.map(({ address, length }) => `${address}/${length}`).join(", ")}`]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

function testWords({ is, name }: ValueConditionPlan): string {
  if (is.kind === "text") return `${name} = ${JSON.stringify(is.text)}`;
  if (is.kind === "pattern") return `${name} like ${is.pattern}`;
  return is.kind === "present" ? name : `no ${name}`;
}

function wayWords({ cors, redirect, respond, rewrite }: RoutingPlan, upstream: string | null): string {
  const target = redirect?.to ?? null;
  if (redirect !== null && target !== null) return `redirects with ${redirect.status} to ${target}`;
  const changes = [
    ...(rewrite === null
      ? []
      : [`${rewrite.kind === "prefix" ? rewrite.from : rewrite.pattern} becomes ${rewrite.to || "nothing"}`]),
    ...(redirect === null ? [] : [`redirected with ${redirect.status} first where it has to be`]),
    ...(cors === null ? [] : [`CORS for ${cors.origins.join(", ")}`]),
  ];
  const way = respond === null ? `to upstream ${upstream ?? ""}` : `answers ${respond.status}`;
  return [way, ...changes].join(", ");
}

function retryWords(rules: RoutePlan["retries"]): string {
  if (rules === null) return "";
  const { on, timeoutMs, tries } = rules;
  const most = tries === null ? "" : ` up to ${tries} servers`;
  const within = timeoutMs === null ? "" : ` within ${formatDuration(timeoutMs)}`;
  return `, asks${most || " other servers"}${within} after ${on.join(", ")}`;
}

function accessWords(access: AccessPlan | null): string {
  if (access === null) return "";
  const parts = (["allow", "deny"] as const).flatMap((key) => {
    const list = access[key];
    if (list === null) return [];
    return [`${key} ${[...list.prefixes.map((p) => `${p.address}/${p.length}`), ...list.files].join(", ")}`];
  });
  return `, ${parts.join(", ")}`;
}

/** Tells what a listener says about everything that comes through it; empty if that is nothing. */
export function policyWords({ access, forwarded, trustedProxies }: ListenerPolicyPlan): string {
  const trusted = trustedProxies.map(({ address, length }) => `${address}/${length}`).join(", ");
  return (
    (trusted === "" ? "" : `, believes ${trusted} about clients`) +
    (forwarded === "x-forwarded" ? "" : `, tells of clients by ${forwarded}`) +
    accessWords(access)
  );
}
