import type { UpstreamPlan } from "../config/http-plan.ts";
import type { HeaderRules } from "./headers.ts";
import { keyReader, type RequestKey } from "./request-key.ts";
import type { RequestView } from "./request-view.ts";
import { makeBalancer } from "./selection/make-balancer.ts";
import type { Scheduler } from "./selection/scheduler.ts";
import type { HttpServer } from "./http-server.ts";
import { StickyCookie } from "./sticky-cookie.ts";
import type { UpstreamState } from "./upstream-state.ts";

/** A group of HTTP servers, ready for use. */
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
  choose({ caller, cookie }: RequestKey, tried: readonly HttpServer[] | null): HttpServer | null {
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
    return this.servers.some((server) => server.isFull && server.isUp && tried?.includes(server) !== true);
  }

  /** Gives the rules for the response of a server: those of the route, and the cookie that a client has yet to get. */
  rulesFor(rules: HeaderRules, server: HttpServer | null, { cookie }: RequestKey): HeaderRules {
    if (this.sticky === null || server === null) return rules;
    const field = this.sticky.fieldFor(server, cookie);
    return field === "" ? rules : { ...rules, added: rules.added + field };
  }
}

function stickyCookie(plan: UpstreamPlan, servers: readonly HttpServer[]): StickyCookie<HttpServer> | null {
  return plan.sticky === null ? null : new StickyCookie(plan.sticky, plan.name, servers);
}
