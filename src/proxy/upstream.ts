import type { UpstreamPlan } from "../config/http-plan.ts";
import type { HeaderRules } from "./headers.ts";
import { keyReader, type RequestKey } from "./request-key.ts";
import type { RequestView } from "./request-view.ts";
import { makeBalancer } from "./selection/make-balancer.ts";
import type { Scheduler } from "./selection/scheduler.ts";
import type { HttpServer } from "./http-server.ts";
import { StickyCookie } from "./sticky-cookie.ts";

/** A group of HTTP servers, ready for use. */
export class Upstream {
  readonly plan: UpstreamPlan;
  readonly servers: readonly HttpServer[];
  /** Gives what of a request decides which server it goes to. */
  readonly keyOf: (view: RequestView) => RequestKey;
  private readonly balancer: Scheduler<HttpServer>;
  private readonly sticky: StickyCookie<HttpServer> | null;

  constructor(plan: UpstreamPlan, servers: readonly HttpServer[], random: () => number) {
    this.plan = plan;
    this.servers = servers;
    this.keyOf = keyReader(plan);
    this.balancer = makeBalancer(plan, servers, random);
    this.sticky = plan.sticky === null ? null : new StickyCookie(plan.sticky, plan.name, servers);
  }

  /** Gives a server for a request that is not among those tried; null if there is none at present. */
  choose({ caller, cookie }: RequestKey, tried: readonly HttpServer[] | null): HttpServer | null {
    if (this.sticky !== null && cookie !== null) {
      const own = this.sticky.serverOf(cookie);
      // Weight 0 turns only new clients away.
      if (own?.isUp === true && tried?.includes(own) !== true) return own.isFull ? null : own;
    }
    return this.balancer.next(caller, tried);
  }

  /** Gives the rules for the response of a server: those of the route, and the cookie that a client has yet to get. */
  rulesFor(rules: HeaderRules, server: HttpServer | null, { cookie }: RequestKey): HeaderRules {
    if (this.sticky === null || server === null) return rules;
    const field = this.sticky.fieldFor(server, cookie);
    return field === "" ? rules : { ...rules, added: rules.added + field };
  }
}
