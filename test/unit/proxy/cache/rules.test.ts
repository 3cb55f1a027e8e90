import { describe, expect, test } from "bun:test";
import type { CachePlan } from "../../../../src/config/content-plan.ts";
import { requestDirectives, responseDirectives } from "../../../../src/proxy/cache/cache-control.ts";
import {
  initialAgeMs,
  lifetimeOf,
  mayReplaceError,
  usability,
  type FieldValue,
} from "../../../../src/proxy/cache/freshness.ts";
import { isStorable, varyNames } from "../../../../src/proxy/cache/storable.ts";

const plan: CachePlan = {
  maxObjectBytes: 1000,
  ttlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
  disk: null,
};
const date = "Sun, 06 Nov 1994 08:49:37 GMT";
const unixMs = Date.UTC(1994, 10, 6, 8, 49, 37);

function values(fields: Readonly<Record<string, string>>): FieldValue {
  return (name) => fields[name] ?? null;
}

function lifetime(
  cacheControl: string | null,
  more = {},
  ownPlan: CachePlan = plan,
): ReturnType<typeof lifetimeOf> {
  return lifetimeOf(responseDirectives(cacheControl), values(more), ownPlan);
}

function storable(cacheControl: string | null, fields = {}, request = {}, status = 200): boolean {
  const said = responseDirectives(cacheControl);
  const response = values(fields);
  const found = lifetimeOf(said, response, plan);
  return isStorable(status, said, found, { response, request: values(request) });
}

const asked = (text: string): ReturnType<typeof requestDirectives> => requestDirectives(text, null);

describe("Cache-Control", () => {
  test("is read without regard to case, with quotes, and by the first of two (RFC 9111 §4.2.1, §5.2)", () => {
    const said = responseDirectives('Public, MAX-AGE="60", max-age=5, ext="a, no-store", s-maxage=x');
    expect(said).toMatchObject({ isPublic: true, maxAgeS: 60, noStore: false, sharedMaxAgeS: 0 });
    expect(responseDirectives('no-cache="set-cookie", private="x"')).toMatchObject({
      noCache: true,
      isPrivate: true,
    });
    expect(responseDirectives("max-age=99999999999").maxAgeS).toBe(2 ** 31);
  });

  test("of a request knows max-stale without a value, and Pragma where it is not there (RFC 9111 §5.2.1.2, §5.4)", () => {
    expect(asked("max-stale, min-fresh=3")).toMatchObject({
      maxStaleS: Number.POSITIVE_INFINITY,
      minFreshS: 3,
    });
    expect(asked("max-stale=7").maxStaleS).toBe(7);
    expect(requestDirectives(null, "no-cache").noCache).toBe(true);
    expect(requestDirectives("max-age=1", "no-cache").noCache).toBe(false);
  });
});

describe("freshness", () => {
  test("is s-maxage, else max-age, else Expires less Date, else that of the file (RFC 9111 §4.2.1)", () => {
    expect(lifetime("max-age=60, s-maxage=5").freshMs).toBe(5000);
    expect(lifetime("max-age=60", { expires: date, date }).freshMs).toBe(60_000);
    expect(lifetime(null, { expires: "Sun, 06 Nov 1994 08:50:37 GMT", date }).freshMs).toBe(60_000);
    expect(lifetime(null, { "last-modified": date }).freshMs).toBe(0); // heuristics are off
    expect(lifetime(null, {}, { ...plan, ttlMs: 7000 }).freshMs).toBe(7000);
    expect(lifetime("max-age=1", {}, { ...plan, ttlMs: 7000 }).freshMs).toBe(1000);
  });

  test("ends at once with an Expires that is no date, or in the past (RFC 9111 §5.3)", () => {
    expect(lifetime(null, { expires: "0", date }, { ...plan, ttlMs: 7000 }).freshMs).toBe(0);
    expect(lifetime(null, { expires: "Sun, 06 Nov 1994 08:49:36 GMT", date }).freshMs).toBe(0);
  });

  test("counts from the age that it came with (RFC 9111 §4.2.3)", () => {
    expect(initialAgeMs(values({ date }), unixMs + 9000, 500)).toBe(9000);
    expect(initialAgeMs(values({ date, age: "20" }), unixMs + 9000, 500)).toBe(20_500);
    expect(initialAgeMs(values({ date }), unixMs - 9000, 500)).toBe(500); // a clock that is fast
    expect(initialAgeMs(values({ age: "7, 8" }), unixMs, 0)).toBe(7000);
  });

  test("answers a request within what it asks for (RFC 9111 §5.2.1)", () => {
    const one = lifetime("max-age=60");
    expect(usability(one, 59_000, asked(""))).toBe("fresh");
    expect(usability(one, 60_000, asked(""))).toBe("ask");
    expect(usability(one, 10_000, asked("no-cache"))).toBe("ask");
    expect(usability(one, 10_000, asked("max-age=5"))).toBe("ask");
    expect(usability(one, 10_000, asked("min-fresh=51"))).toBe("ask");
    expect(usability(one, 10_000, asked("min-fresh=50"))).toBe("fresh");
    expect(usability(one, 70_000, asked("max-stale=10"))).toBe("fresh");
    expect(usability(one, 71_000, asked("max-stale=10"))).toBe("ask");
    expect(usability(lifetime("max-age=60, must-revalidate"), 70_000, asked("max-stale"))).toBe("ask");
  });

  test("that is over allows stale answers only where that is said (RFC 9111 §4.2.4, RFC 5861)", () => {
    const loose = { ...plan, staleWhileRevalidateMs: 10_000, staleIfErrorMs: 10_000 };
    const rules = (text: string, age: number): readonly (string | boolean)[] => {
      const one = lifetime(text, {}, loose);
      return [usability(one, age, asked("")), mayReplaceError(one, age)];
    };
    expect(rules("max-age=60", 69_000)).toEqual(["while-revalidating", true]);
    expect(rules("max-age=60", 70_000)).toEqual(["ask", false]);
    expect(rules("max-age=60, stale-while-revalidate=1, stale-if-error=1", 62_000)).toEqual(["ask", false]);
    expect(rules("max-age=60, must-revalidate, stale-if-error=9", 61_000)).toEqual(["ask", false]);
    expect(rules("s-maxage=60", 61_000)).toEqual(["ask", false]); // §5.2.2.10
    expect(rules("s-maxage=60, stale-if-error=9", 61_000)).toEqual(["ask", true]);
    expect(rules("no-cache", 0)).toEqual(["ask", false]); // §5.2.2.4
  });
});

describe("a response", () => {
  test("is stored if it is fresh, or can be asked about (RFC 9111 §3)", () => {
    expect(storable("max-age=1")).toBe(true);
    expect(storable(null)).toBe(false);
    expect(storable("max-age=0")).toBe(false);
    expect(storable("max-age=0", { etag: '"x"' })).toBe(true);
    expect(storable("no-cache", { "last-modified": date })).toBe(true);
    expect(storable(null, { etag: '"x"' })).toBe(false); // nothing says how long
  });

  test("is not stored where that is forbidden (RFC 9111 §5.2.2.5, §5.2.2.7)", () => {
    expect(storable("max-age=1, no-store")).toBe(false);
    expect(storable("max-age=1, private")).toBe(false);
    expect(storable("max-age=1, public", { "set-cookie": "a=b" })).toBe(false);
    expect(storable("max-age=1", { vary: "accept, *" })).toBe(false); // §4.1
  });

  test("is stored if its status is known, and it is whole (RFC 9111 §3, §3.3)", () => {
    for (const status of [200, 204, 301, 404, 410]) expect(storable("max-age=1", {}, {}, status)).toBe(true);
    for (const status of [206, 304, 401, 500, 503, 299])
      expect(storable("max-age=1", {}, {}, status)).toBe(false);
  });

  test("to Authorization is stored only if it is for all (RFC 9111 §3.5)", () => {
    const request = { authorization: "Basic eA==" };
    expect(storable("max-age=1", {}, request)).toBe(false);
    for (const word of ["public", "must-revalidate", "s-maxage=1"])
      expect(storable(`max-age=1, ${word}`, {}, request)).toBe(true);
  });

  test("varies by names in any case and order (RFC 9111 §4.1)", () => {
    expect(varyNames("B, a,, A")).toEqual(["a", "b"]);
    expect(varyNames(null)).toEqual([]);
  });
});
