import { describe, expect, test } from "bun:test";
import type { CacheFolderProblem } from "../../../src/base/cache-folder.ts";
import type { RoutePlan } from "../../../src/config/http-plan.ts";
import { contentWords } from "../../../src/config/describe-content.ts";
import { noKnowledge, type HostKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, configOf, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

function fileWith(siteLines: string, routeLines = ""): string {
  const lines = site.replace("[[site.route]]", `${siteLines}\n[[site.route]]\n${routeLines}`);
  return base + vip + lines;
}

function faults(
  siteLines: string,
  pageProblem: HostKnowledge["pageProblem"] = () => null,
): readonly string[] {
  const host: HostKnowledge = {
    ...noKnowledge,
    pageProblem,
  };
  const { diagnostics } = readConfig(fileWith(siteLines), "f", host);
  return diagnostics.map(({ key, remedy, severity, what }) => `${severity} ${key}: ${what}; ${remedy}`);
}

function contentOf(siteLines: string, routeLines = ""): RoutePlan["content"] | undefined {
  return configOf(fileWith(siteLines, routeLines)).sites[0]?.routes[0]?.content;
}

const problem: HostKnowledge["pageProblem"] = (path, kind) => `${path} is no ${kind}`;
const pages = 'error_pages = { 502 = "/p/502.html", "4xx" = "/p/4xx.html", intercept = true }';

describe("error pages", () => {
  test("are for a status or a class, and for the servers' errors if that is said", () => {
    const errorPages = {
      pages: [
        ["502", "/p/502.html"],
        ["4xx", "/p/4xx.html"],
      ],
      intercepts: true,
    };
    expect(contentOf(pages)?.errorPages).toEqual(errorPages as never);
    expect(configOf(fileWith(pages)).sites[0]?.errorPages).toEqual(errorPages as never);
  });

  test("of a route replace those of its site", () => {
    expect(contentOf(pages, 'error_pages = { 503 = "/p/503.html" }')?.errorPages?.pages).toEqual([
      ["503", "/p/503.html"],
    ]);
  });

  test("are refused for what is no error, and without a page", () => {
    expect(faults('error_pages = { 302 = "/p/a.html" }')).toEqual([
      'error site "*".error_pages.302: "302" is no status of an error; write one such as 502, all of a class as "5xx", or intercept',
    ]);
    expect(faults('error_pages = { 502 = "a.html" }')).toEqual([
      'error site "*".error_pages.502: "a.html" is no path of a file from the root; write "/etc/edge-ha/pages/502.html"',
    ]);
    expect(faults("error_pages = { intercept = true }")[0]).toStartWith(
      'error site "*".error_pages: names no page; write error_pages',
    );
  });

  test("are files that can be read", () => {
    expect(faults('error_pages = { 502 = "/p/a.html" }', problem)).toEqual([
      'error site "*".error_pages.502: /p/a.html is no file; put the page there, or name another',
    ]);
    expect(faults('maintenance = { page = "/p/a.html" }', problem)).toEqual([
      'error site "*".maintenance.page: /p/a.html is no file; put the page there, or name another',
    ]);
    expect(faults('files = { root = "/p", path = "/p/" }', problem)).toEqual([
      'error site "*".files.root: /p is no folder; make the folder, or name another',
    ]);
  });
});

describe("maintenance", () => {
  test("is a word, or a table with its page, and a route can do without", () => {
    const usual = { page: null, retryAfterS: null, allow: [] };
    expect(contentOf("maintenance = true")?.maintenance).toEqual(usual);
    expect(contentOf("maintenance = true", "maintenance = false")?.maintenance).toBeNull();
    expect(contentOf("maintenance = false")?.maintenance).toBeNull();
    const table = 'maintenance = { page = "/p/m.html", retry_after = "90s", allow = ["192.0.2.0/24"] }';
    expect(contentOf(table)?.maintenance).toEqual({
      page: "/p/m.html",
      retryAfterS: 90,
      allow: [{ address: "192.0.2.0", length: 24 }],
    });
  });

  test("names what is wrong in its table", () => {
    expect(faults('maintenance = { allow = ["home"] }')[0]).toStartWith(
      'error site "*".maintenance.allow[0]: "home" is no address',
    );
    expect(faults('maintenance = "yes"')[0]).toStartWith('error site "*".maintenance: must be a table');
  });
});

describe("files", () => {
  test("are a folder below a path, which a route leads to", () => {
    const line = 'files = { root = "/p", path = "/pages/" }';
    expect(contentOf(line)?.files).toEqual({ root: "/p", path: "/pages/" });
    const elsewhere = fileWith(line, 'path = "/api"');
    expect(readConfig(elsewhere, "f").diagnostics.map(({ key, what }) => `${key}: ${what}`)).toEqual([
      'site "*".files.path: no [[site.route]] of this site has a path that /pages/ is below: its files get 404',
    ]);
    expect(faults('files = { root = "p", path = "/pages" }').map((fault) => fault.split("; ")[0])).toEqual([
      'error site "*".files.root: "p" is no folder\'s path from the root',
      'error site "*".files.path: "/pages" is no path that begins and ends with "/"',
    ]);
  });
});

const cacheFolderProblem = (path: string): CacheFolderProblem => ({
  severity: "warning",
  what: `${path} is read-only`,
  remedy: "wait",
});

describe("cache", () => {
  test("is a word, or a table, and a route can do without", () => {
    const usual = {
      maxObjectBytes: 1024 ** 2,
      ttlMs: 0,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      lockTimeoutMs: 5000,
      disk: null,
    };
    expect(contentOf("cache = true")?.cache).toEqual(usual);
    expect(contentOf("cache = true", "cache = false")?.cache).toBeNull();
    expect(contentOf('cache = { ttl = "1m" }')?.cache).toEqual({ ...usual, ttlMs: 60_000 });
    expect(contentOf("")?.cache).toBeNull();
  });

  test("is kept on a disk, too, in a folder that sites may share", () => {
    expect(contentOf('cache = { disk = "2g" }')?.cache?.disk).toEqual({
      path: "/var/cache/edge-ha/answers",
      bytes: 2 * 1024 ** 3,
    });
    expect(contentOf('cache = { disk = "1m", path = "/srv/c" }')?.cache?.disk?.path).toBe("/srv/c");
    expect(faults('cache = { disk = "1g", path = "/c" }')).toEqual([]);
  });

  test("says what folder is of no use, which are at odds, and what has no room", () => {
    const two = (one: string, other: string): readonly string[] => {
      const { diagnostics } = readConfig(
        fileWith(`cache = { ${one} }`, `cache = { ${other} }`),
        "f",
        noKnowledge,
      );
      return diagnostics.map(({ key, remedy, severity, what }) => `${severity} ${key}: ${what}; ${remedy}`);
    };
    const remedy = "write the same size where one folder is shared, or another path, none inside the other";
    expect(two('disk = "1g", path = "/c"', 'disk = "1g", path = "/c"')).toEqual([]);
    expect(two('disk = "1g", path = "/c"', 'disk = "1g", path = "/cd"')).toEqual([]);
    expect(two('disk = "1g", path = "/c"', 'disk = "2g", path = "/c"')[0]).toMatch(
      new RegExp(
        `^error site .*cache.disk: is for /c, and line \\d+ for the same folder with 1g; ${remedy}$`,
      ),
    );
    expect(two('disk = "1g", path = "/c/d"', 'disk = "1g", path = "/c"')[0]).toContain("for /c/d with 1g");
    expect(faults('cache = { disk = "1g", path = "c" }')[0]).toContain(
      '"c" is no path of a file from the root',
    );
    expect(faults('cache = { disk = "0b" }')[0]).toContain('"0b" is out of range');
    expect(faults('cache = { disk = "1m", max_object = "2m" }')).toEqual([
      'error site "*".cache.disk: is less than one answer of max_object takes; write a larger one, or a smaller max_object',
    ]);
    expect(faults('cache = { path = "/c" }')).toEqual([
      'error site "*".cache.path: names a folder, but nothing says how much may be in it; write disk = "10g" beside it',
    ]);
    expect(faults('cache = { max_object = "65m", disk = "1g" }')).toEqual([]);
    expect(faults('cache = { max_object = "65m" }')).toEqual([
      'warning site "*".cache.max_object: is more than cache_memory of [proxy] has room for, which is 64m: larger answers are never kept; write a larger cache_memory, or a disk',
    ]);
    const host = { ...noKnowledge, cacheFolderProblem };
    const { diagnostics } = readConfig(fileWith('cache = { disk = "1g" }'), "f", host);
    expect(diagnostics.map(({ severity, what }) => `${severity} ${what}`)).toEqual([
      "warning /var/cache/edge-ha/answers is read-only",
    ]);
  });

  test("names what is wrong", () => {
    expect(faults('cache = { max_objekt = "1m" }')[0]).toContain("max_object");
    expect(faults("cache = 5")[0]).toStartWith(
      'error site "*".cache: must be a table, not 5; write cache = true',
    );
    expect(faults("maintenance = { pages = 5 }")[0]).toContain("page");
  });
});

describe("compression", () => {
  const usual = contentOf("compression = true")?.compression;

  test("is a word, or a table, and a route can do without, or otherwise", () => {
    expect(usual).toMatchObject({
      codings: ["zstd", "br", "gzip"],
      minBytes: 1024,
      levels: { gzip: 5, br: 4, zstd: 2 },
    });
    expect(usual?.types).toContain("text/html");
    expect(contentOf("compression = true", "compression = false")?.compression).toBeNull();
    expect(contentOf("")?.compression).toBeNull();
    const table =
      'compression = { encodings = ["gzip", "gzip"], types = ["Text/*"], min_length = "256b", level = { gzip = 9 } }';
    expect(contentOf("compression = true", table)?.compression).toEqual({
      codings: ["gzip"],
      types: ["text/*"],
      minBytes: 256,
      levels: { gzip: 9, br: 4, zstd: 2 },
    });
    expect(configOf(fileWith("compression = true")).sites[0]?.routes[0]?.content.compression).toEqual(
      usual as never,
    );
  });

  test("names what is wrong", () => {
    const places = 'error site "*".compression';
    expect(faults('compression = { encodings = ["brotli"] }')).toEqual([
      `${places}.encodings[0]: must be one of "zstd", "br", "gzip", not "brotli"; write "br"`,
    ]);
    expect(faults('compression = { encodings = ["deflate"] }')[0]).toEndWith(
      'write "gzip": whoever takes deflate takes that, too',
    );
    expect(faults("compression = { encodings = [] }")).toEqual([
      `${places}.encodings: is an empty list; write encodings = ["zstd", "br", "gzip"], or compression = false`,
    ]);
    expect(faults('compression = { types = ["html"] }')[0]).toStartWith(
      `${places}.types[0]: "html" is no media type; write types`,
    );
    expect(faults("compression = { level = { br = 11 } }")[0]).toStartWith(
      `${places}.level.br: 11 is not between 0 and 6`,
    );
    expect(faults("compression = { min_length = 1000 }")[0]).toStartWith(
      `${places}.min_length: 1000 has no unit`,
    );
    expect(faults("compression = 5")[0]).toStartWith(`${places}: must be a table, not 5; write compression`);
  });

  test("is told of in the plan", () => {
    const content = contentOf('compression = { encodings = ["br", "gzip"] }\ncache = true');
    expect(content === undefined ? "" : contentWords(content)).toBe(
      ", answers up to 1m kept, encoded in br, gzip",
    );
  });
});
