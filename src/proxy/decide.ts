import { isWait, type Wait } from "./admission/gate.ts";
import { plainAnswer, type Answer } from "./answer.ts";
import { isLoop, maxForwardsOf } from "./headers.ts";
import { ownAnswerTo } from "./own-answer.ts";
import type { RequestView } from "./request-view.ts";
import { findRoute } from "./routes.ts";
import type { Route, Site } from "./snapshot.ts";

/** A route that a request takes when every one of these lets it pass, one after the other. */
export interface Waiting {
  readonly route: Route;
  readonly waits: readonly Wait[];
}

/** What becomes of a request. */
export type Decision = Answer | Route | Waiting;

/** Gives the route that a request takes at once or after waiting. */
export function routeOf(decision: Route | Waiting): Route {
  return "waits" in decision ? decision.route : decision;
}

/** Tells an answer of the proxy's own from a route that leads to a server. */
export function isAnswer(decision: Decision): decision is Answer {
  return "status" in decision;
}

/**
 * Decides what becomes of a request of a site: an answer at once, or the route that it takes to a server. `path` is null
 * where the target has none that can be matched.
 */
export function decide(site: Site | null, view: RequestView, path: string | null): Decision {
  if (view.by.refusal !== null) return view.by.refusal;
  if (site === null) return plainAnswer(path === null ? 400 : 404);
  if (path === null) return ownAnswerTo(view, site, plainAnswer(400));
  if (isLoop(view.fields, view.by.via)) return ownAnswerTo(view, site, plainAnswer(508));
  site.findClient?.(view);
  const route = findRoute(site, path, view);
  if (site.hasRouteLogs && route !== null) view.log = route.log;
  const decision = judge(site, route, view);
  return isAnswer(decision) ? ownAnswerTo(view, route ?? site, decision) : decision;
}

function judge(site: Site, route: Route | null, view: RequestView): Decision {
  let waits: Wait[] | null = null;
  for (const gate of route?.gates ?? site.gates) {
    const verdict = gate(view);
    if (verdict === null) continue;
    if (!isWait(verdict)) return verdict;
    (waits ??= []).push(verdict);
  }
  if (route === null) return plainAnswer(404);
  const reply = route.reply === null ? null : route.reply(view);
  if (reply !== null) {
    // What is answered here is for those only whom the gates let pass.
    return waits === null ? reply : { route, waits: [...waits, { begin: (settle) => settle(reply) }] };
  }
  if (view.head.bodyLength > route.plan.maxBodyBytes) return plainAnswer(413);
  if (view.head.method === "OPTIONS" && maxForwardsOf(view.fields) === 0) return plainAnswer(200); // RFC 9110 §7.6.2
  return waits === null ? route : { route, waits };
}
