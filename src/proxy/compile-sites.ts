import type {
  AccessLogPlan,
  HeaderRulesPlan,
  ListenerPlan,
  RequestIdsPlan,
  RoutePlan,
  SitePlan,
} from "../config/http-plan.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { joinHeaderRules, type AccessPlan } from "../config/routing-plan.ts";
import type { Pages } from "../ipc/pages.ts";
import type { RequestLog } from "./access-log.ts";
import type { PromptGate } from "./admission/gate.ts";
import { RouteCache, type SharedCache } from "./cache/route-cache.ts";
import { compileCompression, compileContent, compilePages } from "./content/compile-content.ts";
import { compileHeaderRules } from "./headers.ts";
import { compileAccess, type ReadFile } from "./policy/access.ts";
import { compileClient } from "./policy/client.ts";
import { compileConditions, compilePath, countConditions } from "./policy/conditions.ts";
import { compileCors } from "./policy/cors.ts";
import { addingLines, variableLines } from "./policy/fields.ts";
import { compileHeadLimits } from "./policy/head-limits.ts";
import { compileOutgoing } from "./policy/outgoing.ts";
import { compileRedirect } from "./policy/redirect.ts";
import { compileRespond } from "./policy/respond.ts";
import { compileRewrite } from "./policy/rewrite.ts";
import { HostTable, sortRoutes, type RouteEntry } from "./routes.ts";
import type { ResponseFilter, Route, Site, SnapshotContext } from "./snapshot.ts";
import { Upstream } from "./upstream.ts";
import { UpstreamState } from "./upstream-state.ts";

type Upstreams = ReadonlyMap<string, Upstream>;

/** Of routes that answer without a server. */
const noServers = new Upstream(
  {
    name: "",
    balance: "round-robin",
    hash: null,
    hashBound: 1,
    sticky: null,
    servers: [],
    named: [],
    proxyProtocol: null,
    keepAliveConnections: 0,
    keepAliveIdleMs: 0,
    keepAliveRequests: null,
    keepAliveAgeMs: null,
    tls: null,
    http2: false,
    ejection: null,
    retries: { tries: 1, timeoutMs: null, on: [], budget: 0, hedgeMs: null },
    queue: null,
  },
  [],
  {
    state: new UpstreamState({ now: () => 0, tell: () => undefined, slots: { of: unlimited } }),
    random: () => 0,
  },
);

function unlimited(): never {
  throw new Error("without servers there is nothing limited");
}

/** Makes the sites of each listener ready, by the listener's name. */
export function compileHosts(
  plan: ProxyPlan,
  upstreams: Upstreams,
  context: SnapshotContext,
  pages: Pages,
): ReadonlyMap<string, HostTable<Site>> {
  const hosts = new Map<string, HostTable<Site>>();
  const listeners = new Map(plan.listeners.map((listener) => [listener.name, listener]));
  for (const { name } of plan.listeners) hosts.set(name, new HostTable());
  for (const site of plan.sites) {
    // Sites of listeners that say the same are one, with what their routes count.
    const made = new Map<string, Site>();
    for (const name of site.listeners) {
      const listener = listeners.get(name);
      if (listener === undefined)
        throw new Error(`site ${site.hosts.join(" ")} names an unknown listener ${name}`);
      const key = JSON.stringify(listener.policy);
      const known = made.get(key) ?? compileSite(site, listener, { upstreams, context, pages });
      made.set(key, known);
      hosts.get(name)?.add(known);
    }
  }
  return hosts;
}

/** What routes are made with. */
interface Around {
  readonly upstreams: Upstreams;
  readonly context: SnapshotContext;
  readonly pages: Pages;
}

function compileSite(site: SitePlan, listener: ListenerPlan, around: Around): Site {
  const { context } = around;
  const { policy } = site;
  const responseHeaders = joinHeaderRules(listener.policy.responseHeaders, site.responseHeaders);
  const read: ReadFile = (path) => context.file(path);
  const accessLog = site.accessLog === null ? null : context.accessLog(site.accessLog);
  const routes = sortRoutes(site.routes, ({ path, routing }) => ({
    path,
    kind: routing.pathKind,
    conditions: countConditions(routing.conditions),
  }));
  return {
    hosts: site.hosts,
    accessLog,
    hasRouteLogs: site.routes.some((route) => route.accessLog !== null),
    ids: site.ids,
    errorPages: compilePages(site.errorPages, around.pages),
    rules: compileHeaderRules(responseHeaders),
    filters: [...compileCompression(site.compression), ...addingVarying(responseHeaders)],
    findClient: compileClient(listener.policy),
    gates: [
      ...accessGates([listener.policy.access, policy.access], read),
      ...(policy.redirect === null ? [] : [compileRedirect(policy.redirect)]),
    ],
    routes: routes.map((route): RouteEntry<Route> => {
      const { path, takes } = compilePath(route.routing.pathKind, route.path);
      const matches = compileConditions(route.routing.conditions);
      const log = routeLog(route.accessLog, accessLog, context);
      return { path, takes, matches, to: { ...compileRoute(route, listener, around, site.ids), log } };
    }),
  };
}

function routeLog(
  plan: AccessLogPlan | "off" | null,
  ofSite: RequestLog | null,
  context: SnapshotContext,
): RequestLog | null {
  if (plan === "off") return null;
  return plan === null ? ofSite : context.accessLog(plan);
}

function cacheOf({ content, upstream }: RoutePlan, shared: SharedCache): RouteCache | null {
  const plan = content.cache;
  return plan === null || upstream === null ? null : new RouteCache(shared, plan, upstream);
}

function upstreamOf(route: RoutePlan, upstreams: Upstreams): Upstream {
  if (route.upstream === null) return noServers;
  const upstream = upstreams.get(route.upstream);
  if (upstream === undefined)
    throw new Error(`route ${route.path} names an unknown upstream ${route.upstream}`);
  return upstream;
}

function compileRoute(
  plan: RoutePlan,
  { policy }: ListenerPlan,
  { upstreams, context, pages }: Around,
  ids: RequestIdsPlan | null,
): Omit<Route, "log"> {
  const read: ReadFile = (path) => context.file(path);
  const content = compileContent(plan.content, pages);
  const { access, cors, redirect, requestHeaders, respond, rewrite } = plan.routing;
  const responseHeaders = joinHeaderRules(policy.responseHeaders, plan.responseHeaders);
  const rules = compileHeaderRules(responseHeaders);
  const crossOrigin = cors === null ? null : compileCors(cors);
  const filters: readonly ResponseFilter[] = [
    ...content.filters,
    ...(crossOrigin === null ? [] : [crossOrigin.filter]),
    ...addingVarying(responseHeaders),
  ];
  const upstream = upstreamOf(plan, upstreams);
  return {
    plan,
    upstream,
    retries: plan.retries ?? upstream.plan.retries,
    rules,
    errorPages: content.errorPages,
    cache: cacheOf(plan, context.cache),
    outgoing: compileOutgoing(joinHeaderRules(policy.requestHeaders, requestHeaders), policy, ids),
    gates: [
      ...(plan.headLimits === null ? [] : [compileHeadLimits(plan.headLimits)]),
      ...accessGates([policy.access, access], read),
      ...(redirect === null ? [] : [compileRedirect(redirect)]),
      ...content.gates,
      // Preflights carry no credentials, so they come before whatever asks for some.
      ...(crossOrigin === null ? [] : [crossOrigin.preflight]),
      ...context.gates(plan.admission),
      ...(rewrite === null ? [] : [compileRewrite(rewrite)]),
    ],
    reply: respond === null ? null : compileRespond(respond),
    filters,
  };
}

function addingVarying(plan: HeaderRulesPlan): readonly ResponseFilter[] {
  const varying = variableLines(plan);
  return varying === null ? [] : [addingLines(varying)];
}

function accessGates(plans: readonly (AccessPlan | null)[], read: ReadFile): readonly PromptGate[] {
  return plans.flatMap((plan) => (plan === null ? [] : [compileAccess(plan, read)]));
}
