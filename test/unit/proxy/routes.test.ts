import { describe, expect, test } from "bun:test";
import type { RequestView } from "../../../src/proxy/request-view.ts";
import { requestView } from "../../support/request-view.ts";
import {
  findRoute,
  HostTable,
  matchingPath,
  sortRoutes,
  type RouteOrder,
} from "../../../src/proxy/routes.ts";

interface NamedSite {
  readonly name: string;
  readonly hosts: readonly string[];
}

function table(...sites: readonly NamedSite[]): HostTable<NamedSite> {
  const hosts = new HostTable<NamedSite>();
  for (const site of sites) hosts.add(site);
  return hosts;
}

describe("a host name", () => {
  const hosts = table(
    { name: "one", hosts: ["shop.example"] },
    { name: "wild", hosts: ["*.shop.example"] },
    { name: "deep", hosts: ["*.eu.shop.example", "a.shop.example"] },
  );
  const cases: readonly (readonly [host: string, site: string | undefined])[] = [
    ["shop.example", "one"],
    ["b.shop.example", "wild"],
    ["c.b.shop.example", "wild"],
    ["x.eu.shop.example", "deep"],
    ["eu.shop.example", "wild"],
    ["a.shop.example", "deep"],
    ["xshop.example", undefined],
    ["example", undefined],
    ["", undefined],
  ];
  for (const [host, site] of cases) {
    test(`${JSON.stringify(host)} belongs to ${site ?? "no site"}`, () =>
      expect(hosts.find(host)?.name).toBe(site));
  }

  test("that is not known belongs to the site of `*`", () => {
    const all = table({ name: "one", hosts: ["shop.example"] }, { name: "all", hosts: ["*"] });
    expect(all.find("other")?.name).toBe("all");
    expect(all.fallback()?.name).toBe("all");
  });

  test("that is not known is logged by the first site where there is no `*`", () => {
    expect(hosts.fallback()?.name).toBe("one");
    expect(table().fallback()).toBeNull();
  });
});

const prefix = ({ path }: { readonly path: string }): RouteOrder => ({
  path,
  kind: "prefix",
  conditions: 0,
});

describe("a path", () => {
  const routes = sortRoutes(
    ["/", "/api", "/api/v2/", "/static/"].map((path) => ({ path, takes: null, matches: null, to: path })),
    prefix,
  );
  const cases: readonly (readonly [path: string, route: string])[] = [
    ["/", "/"],
    ["/apix", "/"],
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/api/v1", "/api"],
    ["/api/v2", "/api"],
    ["/api/v2/", "/api/v2/"],
    ["/api/v2/x", "/api/v2/"],
    ["/static", "/"],
    ["/static/x", "/static/"],
  ];
  for (const [path, route] of cases) {
    test(`${path} takes the route ${route}`, () =>
      expect(findRoute<string>({ routes }, path, requestView(`GET ${path}`))).toBe(route));
  }

  test("without a matching prefix takes none", () => {
    const routes = [{ path: "/a", takes: null, matches: null, to: 1 }];
    expect(findRoute({ routes }, "/b", requestView("GET /b"))).toBeNull();
  });

  test("goes on to the next route where the first wants more than the path", () => {
    const routes = sortRoutes(
      [
        { path: "/a", takes: null, matches: null, to: "any" },
        {
          path: "/a/b",
          takes: null,
          matches: ({ head }: RequestView) => head.method === "POST",
          to: "post",
        },
      ],
      prefix,
    );
    expect(findRoute<string>({ routes }, "/a/b", requestView("GET /a/b"))).toBe("any");
    expect(findRoute<string>({ routes }, "/a/b", requestView("POST /a/b"))).toBe("post");
  });
});

test("routes are tried exact paths first, then patterns as they stand, then the longest prefix, with most conditions first", () => {
  const order = [
    { path: "/", kind: "prefix", conditions: 0 },
    { path: "/long/prefix", kind: "prefix", conditions: 0 },
    { path: "^/b", kind: "pattern", conditions: 0 },
    { path: "/", kind: "prefix", conditions: 2 },
    { path: "^/a/long", kind: "pattern", conditions: 3 },
    { path: "^/b", kind: "pattern", conditions: 1 },
    { path: "/", kind: "prefix", conditions: 2 },
    { path: "/x", kind: "exact", conditions: 0 },
  ] as const;
  const sorted = sortRoutes(
    order.map((one, index) => ({ one, index })),
    ({ one }) => one,
  );
  expect(sorted.map(({ index }) => index)).toEqual([7, 5, 2, 4, 1, 3, 6, 0]);
});

describe("the path that is matched", () => {
  const cases: readonly (readonly [target: string, path: string | null])[] = [
    ["/a?b=/c", "/a"],
    ["/%61pi/x", "/api/x"],
    ["/a%2Fb", "/a%2Fb"],
    ["/a//b", "/a/b"],
    ["/public/../admin", "/admin"],
    ["/public/%2e%2E/admin", "/admin"],
    ["/public/./x/.", "/public/x/"],
    ["/a/..", "/"],
    ["/a/../", "/"],
    ["/.hidden", "/.hidden"],
    ["/..", null],
    ["/a/../../b", null],
    ["/%2e%2e/b", null],
    ["/100%", null],
    ["/%zz", null],
    ["/a%00b", "/a%00b"],
    ["/a;b/c", "/a;b/c"],
    ["/a\\b", "/a\\b"],
  ];
  for (const [target, path] of cases) {
    test(`of ${target} is ${path ?? "none"}`, () => expect(matchingPath(target)).toBe(path));
  }
});
