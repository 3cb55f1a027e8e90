/** What Cache-Control of a request asks for (RFC 9111 §5.2.1); seconds, null where nothing is said. */
export interface RequestDirectives {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeS: number | null;
  readonly minFreshS: number | null;
  /** Infinity without a value. */
  readonly maxStaleS: number | null;
}

/** What Cache-Control of a response allows a shared cache (RFC 9111 §5.2.2, RFC 5861); seconds. */
export interface ResponseDirectives {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly isPrivate: boolean;
  readonly isPublic: boolean;
  /** must-revalidate or proxy-revalidate. */
  readonly mustRevalidate: boolean;
  readonly maxAgeS: number | null;
  readonly sharedMaxAgeS: number | null;
  readonly staleWhileRevalidateS: number | null;
  readonly staleIfErrorS: number | null;
}

const directive = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;

/** RFC 9111 §4.2.1: of a directive that is there more than once the first counts. */
function directivesOf(value: string): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const [, name = "", quoted, plain] of value.matchAll(directive)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted ?? plain ?? null);
  }
  return found;
}

/** RFC 9111 §1.2.2: more than can be counted is as long as can be; what is no number counts as stale (§4.2.1). */
function secondsOf(found: ReadonlyMap<string, string | null>, name: string): number | null {
  const value = found.get(name);
  if (value === undefined) return null;
  return value !== null && /^\d+$/.test(value) ? Math.min(Number(value), 2 ** 31) : 0;
}

const nothingAsked: RequestDirectives = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeS: null,
  minFreshS: null,
  maxStaleS: null,
};

/** Reads Cache-Control of a request, and Pragma where there is none (RFC 9111 §5.4); null is a field that is not there. */
export function requestDirectives(value: string | null, pragma: string | null): RequestDirectives {
  if (value === null) {
    if (pragma === null) return nothingAsked;
    return { ...nothingAsked, noCache: directivesOf(pragma).has("no-cache") };
  }
  const found = directivesOf(value);
  const stale = found.get("max-stale");
  return {
    noCache: found.has("no-cache"),
    noStore: found.has("no-store"),
    onlyIfCached: found.has("only-if-cached"),
    maxAgeS: secondsOf(found, "max-age"),
    minFreshS: secondsOf(found, "min-fresh"),
    maxStaleS: stale === null ? Number.POSITIVE_INFINITY : secondsOf(found, "max-stale"),
  };
}

/** Reads Cache-Control of a response; no-cache and private that name fields count as if they named none. */
export function responseDirectives(value: string | null): ResponseDirectives {
  const found = directivesOf(value ?? "");
  return {
    noCache: found.has("no-cache"),
    noStore: found.has("no-store"),
    isPrivate: found.has("private"),
    isPublic: found.has("public"),
    mustRevalidate: found.has("must-revalidate") || found.has("proxy-revalidate"),
    maxAgeS: secondsOf(found, "max-age"),
    sharedMaxAgeS: secondsOf(found, "s-maxage"),
    staleWhileRevalidateS: secondsOf(found, "stale-while-revalidate"),
    staleIfErrorS: secondsOf(found, "stale-if-error"),
  };
}
