import type { ResponseSink, ResponseStart } from "../exchange-client.ts";
import type { RequestView } from "../request-view.ts";
import { ResponseChange } from "../response-change.ts";
import type { BodyPiece } from "../body-piece.ts";
import { urlOf } from "./cached-request.ts";
import type { RouteCache } from "./route-cache.ts";

/** RFC 9110 §9.2.1: these change nothing. */
const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Has a successful request by an unsafe method remove what was stored of what it may have changed (RFC 9111 §4.4). */
export function invalidating(view: RequestView, cache: RouteCache, client: ResponseSink): ResponseSink {
  return safe.has(view.head.method) ? client : new Invalidation(urlOf(view), cache, client);
}

class Invalidation extends ResponseChange {
  private readonly url: string;
  private readonly cache: RouteCache;

  constructor(url: string, cache: RouteCache, client: ResponseSink) {
    super(client);
    this.url = url;
    this.cache = cache;
  }

  override sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { status } = start.head;
    if (status < 400) {
      for (const url of new Set([this.url, ...this.others(start)])) this.cache.changed(url);
    }
    return this.client.sendResponse(start, piece, isLast);
  }

  /** Location and Content-Location, but only of the same origin: nobody empties another one's cache. */
  private others({ fields }: ResponseStart): readonly string[] {
    const urls: string[] = [];
    for (let index = 0; index < fields.count; index++) {
      if (!/^(?:content-)?location$/i.test(fields.name(index))) continue;
      const url = URL.parse(fields.value(index), this.url);
      const own = URL.parse(this.url);
      if (url !== null && url.origin === own?.origin)
        urls.push(`${this.url.slice(0, this.url.indexOf("/", 8))}${url.pathname}${url.search}`);
    }
    return urls;
  }
}
