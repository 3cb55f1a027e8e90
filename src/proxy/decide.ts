import { isWait, type Wait } from "./admission/gate.ts";
import { plainAnswer, type Answer } from "./answer.ts";
import { paged } from "./content/error-pages.ts";
import type { ResponseSink } from "./exchange.ts";
import { maxForwardsOf } from "./headers.ts";
import type { RequestView } from "./request-view.ts";
import { findRoute } from "./routes.ts";
import type { ResponseFilter, Route, Site } from "./snapshot.ts";

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
  if (path === null) return paged(site?.errorPages ?? null, plainAnswer(400));
  if (site === null) return plainAnswer(404);
  const route = findRoute(site, path, view);
  if (route === null) return paged(site.errorPages, plainAnswer(404));
  let waits: Wait[] | null = null;
  for (const gate of route.gates) {
    const verdict = gate(view);
    if (verdict === null) continue;
    if (!isWait(verdict)) return paged(route.errorPages, verdict);
    (waits ??= []).push(verdict);
  }
  if (view.head.bodyLength > site.maxBodyBytes) return paged(route.errorPages, plainAnswer(413));
  if (view.head.method === "OPTIONS" && maxForwardsOf(view.fields) === 0) return plainAnswer(200); // RFC 9110 §7.6.2
  return waits === null ? route : { route, waits };
}

/** Puts what changes a response on its way in front of the client. */
export function filtered(
  view: RequestView,
  filters: readonly ResponseFilter[],
  client: ResponseSink,
): ResponseSink {
  // The first is next to the server, so it is put on last.
  return filters.reduceRight((sink, filter) => filter(view, sink) ?? sink, client);
}
