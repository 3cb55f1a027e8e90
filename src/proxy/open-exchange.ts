import { CachedExchange } from "./cache/cached-exchange.ts";
import { cachedRequest } from "./cache/cached-request.ts";
import { invalidating } from "./cache/invalidation.ts";
import type { Waiting } from "./decide.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeClient, ResponseSink } from "./exchange-client.ts";
import { PortionedExchange } from "./portioned-exchange.ts";
import { requestHeadOf, sentHeadOf } from "./policy/outgoing.ts";
import type { RequestRecord } from "./request-record.ts";
import type { RequestView } from "./request-view.ts";
import { filtered } from "./response-change.ts";
import { SentHead } from "./sent-head.ts";
import type { Route } from "./snapshot.ts";
import type { Swept } from "./sweep.ts";
import { turns } from "./turns.ts";

/** An exchange as its client sees it. */
export interface OpenExchange extends Swept {
  /** Whether any of the final response has gone to the client. */
  readonly hasBegun: boolean;
  /** Whether it waits until a server has room. */
  readonly isWaiting: boolean;
  /** Whether nothing but the client is waited for: it has more of its body to send. */
  readonly isAwaitingBody: boolean;
  /** Starts at once, or when everything that is waited for lets the request pass. */
  begin(decision: Route | Waiting): void;
  /** More of the request body has arrived, or its end. */
  bodyArrivedFromClient(): void;
  /** The client takes bytes again. */
  clientDrained(): void;
  /** The client is gone: nobody waits for the response. */
  cancel(): void;
  /** The request is broken: it is answered with `status`, or the response under way is broken off. */
  refuse(status: number): void;
}

/** Makes the exchange for a request, to be started in the same turn: with a server, or with the cache before it. */
export function openExchange(
  client: ExchangeClient,
  record: RequestRecord,
  route: Route,
  view: RequestView,
): OpenExchange {
  const sink = filtered(view, route.filters, client);
  const { engine } = record;
  const { compression } = route.plan.content;
  if (compression === null) return openBetween(client, sink, { record, route, view });
  return new PortionedExchange(client, sink, { turns, log: engine.log }, (between) =>
    openBetween(between, between, { record, route, view }),
  );
}

interface Request {
  readonly record: RequestRecord;
  readonly route: Route;
  readonly view: RequestView;
}

function openBetween(
  client: ExchangeClient,
  sink: ResponseSink,
  { record, route, view }: Request,
): OpenExchange {
  const { by, head } = view;
  const { cache } = route;
  const { engine, trace } = record;
  const request = cache === null ? null : cachedRequest(view);
  if (cache !== null && request !== null) {
    const headText = headWriter(record, route, view);
    const o = { engine, client, route, head, by, sink, trace };
    return new CachedExchange(o, cache, request, { view, headText });
  }
  const sentHead = headOf(record, route, view);
  const towards = cache === null ? sink : invalidating(view, cache, sink);
  const key = route.upstream.keyOf(view);
  return new Exchange({ engine, client, route, head, sentHead, by, key, sink: towards, trace });
}

// A function of its own: what a closure knows is allocated where it could be made, even if it is not.
function headWriter(record: RequestRecord, route: Route, view: RequestView): () => string {
  return () => headOf(record, route, view).text;
}

function headOf(record: RequestRecord, route: Route, view: RequestView): SentHead {
  if (!record.stampsHeads || route.outgoing?.writesId === true) return sentHeadOf(route, view);
  return SentHead.ofText(record.stamped(requestHeadOf(route, view)));
}
