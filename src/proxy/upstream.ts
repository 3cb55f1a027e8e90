import type { UpstreamPlan } from "../config/http-plan.ts";
import type { HeaderRules } from "./headers.ts";
import { keyReader, type RequestKey } from "./request-key.ts";
import type { RequestView } from "./request-view.ts";
import { makeBalancer } from "./selection/make-balancer.ts";
import type { Scheduler } from "./selection/scheduler.ts";
import type { HttpServer } from "./http-server.ts";
import { StickyCookie } from "./sticky-cookie.ts";
import type { UpstreamState } from "./upstream-state.ts";

/**
 * A group of HTTP servers, ready for use. A request keeps the upstream that it began with, but where that has one of its name in the
 * present plan, it is the servers of this one that requests go to which have yet to be given a server: only they are known to be up or down.
 */
export class Upstream {
  readonly plan: UpstreamPlan;
  servers: readonly HttpServer[];
  /** Gives what of a request decides which server it goes to. */
  readonly keyOf: (view: RequestView) => RequestKey;
  readonly state: UpstreamState;
  private readonly random: () => number;
  private balancer: Scheduler<HttpServer>;
  private sticky: StickyCookie<HttpServer> | null;

  constructor(
    plan: UpstreamPlan,
    servers: readonly HttpServer[],
    { state, random }: { readonly state: UpstreamState; readonly random: () => number },
  ) {
    this.plan = plan;
    this.state = state;
    this.random = random;
    this.keyOf = keyReader(plan);
    this.servers = servers;
    this.balancer = makeBalancer(plan, servers, random);
    this.sticky = stickyCookie(plan, servers);
  }

  /** Takes other servers; requests that are on their way go on. */
  take(servers: readonly HttpServer[]): void {
    const { plan } = this;
    if (this.servers.length === servers.length && servers.every((server, at) => server === this.servers[at]))
      return;
    this.servers = servers;
    this.balancer = makeBalancer(plan, servers, this.random);
    this.sticky = stickyCookie(plan, servers);
  }

  /** Gives a server for a request that is not among those tried; null if there is none at present. */
  choose(key: RequestKey, tried: readonly HttpServer[] | null): HttpServer | null {
    const { successor } = this;
    if (successor !== null) return successor.choose(key, sameServers(successor.servers, tried));
    const { caller, cookie } = key;
    if (this.sticky !== null && cookie !== null) {
      const own = this.sticky.serverOf(cookie);
      // Weight 0 turns only new clients away.
      if (own?.isUp === true && tried?.includes(own) !== true) return own.isFull ? null : own;
    }
    const server = this.balancer.next(caller, tried);
    if (server !== null || !this.state.ejections.pardonLast()) return server;
    return this.balancer.next(caller, tried);
  }

  /** Whether a server would take a request that is not among those tried, if it had room. */
  isFull(tried: readonly HttpServer[] | null): boolean {
    const { successor } = this;
    if (successor !== null) return successor.isFull(sameServers(successor.servers, tried));
    return this.servers.some((server) => server.isFull && server.isUp && tried?.includes(server) !== true);
  }

  /** Gives the rules for the response of a server: those of the route, and the cookie that a client has yet to get. */
  rulesFor(rules: HeaderRules, server: HttpServer | null, key: RequestKey): HeaderRules {
    const { sticky, successor } = this;
    if (successor !== null) {
      const [same = null] = sameServers(successor.servers, server && [server]) ?? [];
      return successor.rulesFor(rules, same, key);
    }
    if (sticky === null || server === null) return rules;
    const field = sticky.fieldFor(server, key.cookie);
    return field === "" ? rules : { ...rules, added: rules.added + field };
  }

  /** The upstream of this name in the plan that has come into force since; null if this is it. */
  private get successor(): Upstream | null {
    const { present } = this.state;
    return present === this ? null : present;
  }
}

/** Gives those of `servers` that stand where servers of another plan do. */
function sameServers(
  servers: readonly HttpServer[],
  others: readonly HttpServer[] | null,
): readonly HttpServer[] | null {
  return others && servers.filter(({ key }) => others.some((other) => other.key === key));
}

function stickyCookie(plan: UpstreamPlan, servers: readonly HttpServer[]): StickyCookie<HttpServer> | null {
  return plan.sticky === null ? null : new StickyCookie(plan.sticky, plan.name, servers);
}
