import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { noKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, linesOf, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

function routes(lines: string, siteLines = "", listenerLines = ""): string {
  return (
    base +
    vip +
    site
      .replace('":8080"', `":8080"\n${listenerLines}`)
      .replace('listeners = ["http"]', `listeners = ["http"]\n${siteLines}`) +
    lines
  );
}

function complaints(...text: Parameters<typeof routes>): readonly string[] {
  return linesOf(routes(...text)).map((line) => line.replace(/^\d+:\d+ /, ""));
}

describe("a route", () => {
  test("says how its path is meant, what else it wants and what becomes of the request", () => {
    const text = routes(
      'path = "/api"\nmethods = ["GET"]\nheaders = { X-A = true, X-B = { regex = "^b" } }\nquery = { v = "2", w = false }\nsource = ["10.0.0.0/8"]\nstrip = "/api"\n',
    );
    const { config, diagnostics } = readConfig(text, "f");
    expect(diagnostics).toEqual([]);
    const [route] = config?.sites[0]?.routes ?? [];
    expect(route?.path).toBe("/api");
    expect(route?.routing).toMatchObject({
      pathKind: "prefix",
      conditions: {
        methods: ["GET"],
        headers: [
          { name: "x-a", is: { kind: "present" } },
          { name: "x-b", is: { kind: "pattern", pattern: "^b" } },
        ],
        query: [
          { name: "v", is: { kind: "text", text: "2" } },
          { name: "w", is: { kind: "absent" } },
        ],
        sources: [{ address: "10.0.0.0", length: 8 }],
      },
      rewrite: { kind: "prefix", from: "/api", to: "" },
    });
  });

  test("adds its fields to those of its site, or undoes them", () => {
    const text = routes(
      'response_headers = { set = { A = "2" }, remove = ["B"], add = { C = "3" } }\n',
      'response_headers = { set = { a = "1", B = "1", D = "1" }, add = { C = "1" } }',
    );
    expect(readConfig(text, "f").config?.sites[0]?.routes[0]?.responseHeaders).toEqual({
      remove: ["B"],
      set: [
        ["D", "1"],
        ["A", "2"],
      ],
      add: [
        ["C", "1"],
        ["C", "3"],
      ],
    });
  });

  test("takes what it does not say from its site", () => {
    const text = routes(
      '[[site.route]]\npath = "/x"\nupstream = "apps"\nredirect = false\ndeny = ["10.0.0.1"]\n',
      'redirect = { https = true }\nallow = ["10.0.0.0/8", { file = "/a" }]\ncors = { origins = ["*"] }',
    );
    const [first, second] = readConfig(text, "f").config?.sites[0]?.routes ?? [];
    expect(first?.routing.redirect?.https).toBe(true);
    expect(first?.routing.access?.allow?.files).toEqual(["/a"]);
    expect(second?.routing.redirect).toBeNull();
    expect(second?.routing.access?.allow).toBeNull();
    expect(second?.routing.cors?.origins).toEqual(["*"]);
  });

  test("is told of by the plan", () => {
    const text = routes(
      'path = "/api"\nmethods = ["GET"]\nquery = { v = "2" }\nstrip = "/api"\n[[site.route]]\nregex = "^/x"\nrespond = { status = 403 }\ndeny = ["10.0.0.1"]\n',
      "",
      'trusted_proxies = ["10.0.0.0/8"]\n',
    );
    const { config } = readConfig(text, "f");
    const shown = config === null ? "" : describePlan(planNode(config, "lb1", { cores: 1 }));
    expect(shown).toContain("listener http, believes 10.0.0.0/8 about clients\n");
    expect(shown).toContain('/api (GET; parameter v = "2") to upstream apps, /api becomes nothing\n');
    expect(shown).toContain("paths like ^/x answers 403, deny 10.0.0.1/32\n");
  });

  test("may have retries of its own, but no budget", () => {
    const own =
      '[[site.route]]\npath = "/x"\nupstream = "apps"\nretries = { tries = 2, on = ["connect", 503], timeout = "1s" }\n';
    const { config } = readConfig(routes(own), "f");
    expect(config?.sites[0]?.routes.map(({ retries }) => retries)).toEqual([
      null,
      { tries: 2, timeoutMs: 1_000, on: ["connect", 503], hedgeMs: null },
    ]);
    const shown = config === null ? "" : describePlan(planNode(config, "lb1", { cores: 1 }));
    expect(shown).toContain("/x to upstream apps, asks up to 2 servers within 1s after connect, 503\n");
    const poor = own.replace("tries = 2", 'budget = "50%"');
    expect(complaints(poor).join()).toContain(
      "write it in the [[upstream]]: it is one for all that leads there",
    );
    const alone = own.replace('upstream = "apps"', "respond = { status = 403 }");
    expect(complaints(alone).join()).toContain("retries: no server is asked here; remove it");
  });

  test("with another condition may have the path of another", () => {
    const other = '[[site.route]]\npath = "/"\nmethods = ["GET"]\nupstream = "apps"\n';
    expect(complaints(other)).toEqual([]);
    expect(complaints(other + other)).toEqual([
      'site "*".route "/".path: the route in line 30 takes the same requests; remove one of them',
    ]);
  });

  test.each([
    [
      'exact = "/a"\nregex = "b"\n',
      'route "/a".regex: says another path than exact; leave out one of the two',
    ],
    ['regex = "(?=a)"\n', "is no regular expression that can be matched in one pass"],
    ['methods = ["get"]\n', '"get" is no method; write it in capital letters'],
    ["headers = { A = 1 }\n", "headers.A: must be true, false, a text or a table with regex, not 1"],
    [
      'headers = { A = { regx = "a" } }\n',
      "headers.A: must be true, false, a text or a table with regex, not a table",
    ],
    ['source = ["10.0.0"]\n', '"10.0.0" is no address'],
    ['path = "/a"\nstrip = "/b"\n', 'strip: the paths of this route do not begin with "/b"; write "/a"'],
    ['strip = "/"\nrewrite = { prefix = "/", to = "/a" }\n', "strip: rewrite says what becomes of the path"],
    [
      'rewrite = { regex = "^/a", to = "/$1" }\n',
      "$1 is no group: the pattern has 0; put what it is to hold in (…)",
    ],
    ['rewrite = { prefix = "/", to = "/a b" }\n', '"/a b" cannot stand in the target of a request'],
    [
      'redirect = { to = "https://b/" }\n',
      "upstream: redirect has answered before; remove redirect or upstream",
    ],
    ["respond = { status = 403 }\n", "upstream: respond has answered before; remove respond or upstream"],
    ["respond = { status = 304 }\n", "respond.status: 304 "],
    [
      'respond = { status = 204, body = "a" }\n',
      "a response with 204 has no body (RFC 9110 §15); leave it out",
    ],
    ["redirect = { status = 301 }\n", "redirect: leads nowhere; write redirect = {"],
    ['redirect = { to = "/a", https = true }\n', "redirect: says twice where to go"],
    ['redirect = { to = "//a" }\n', '"//a" leads nowhere'],
    [
      'redirect = { to = "/$hots" }\n',
      "$hots is no variable; did you mean $host? Or write $$ for a dollar sign",
    ],
    [
      "redirect = { https = true, status = 300 }\n",
      "is no status of a redirection; write 301, 302, 303, 307 or 308",
    ],
    ['response_headers = { set = { A = "$x" } }\n', "$x is no variable; there are $args, "],
    [
      'request_headers = { set = { X-Real-IP = "a" } }\n',
      "X-Real-IP is written by edge-ha itself; write trusted_proxies",
    ],
    ['request_headers = { remove = ["Host"] }\n', "every request has a Host (RFC 9112 §3.2)"],
    ['cors = { origins = ["https://a/"] }\n', '"https://a/" is no origin'],
    ['cors = { origins = ["*"], credentials = true }\n', '"*" with credentials would let every page'],
    ['deny = ["x"]\n', 'deny[0]: "x" is no address or network'],
    ['allow = { file = "x" }\n', 'allow.file: "x" is no path of a file from the root'],
  ])("%s is answered with the cure", (lines, words) => {
    expect(complaints(lines).join("\n")).toContain(words);
  });

  test("needs an upstream, or an answer", () => {
    const bare = routes('[[site.route]]\npath = "/x"\n');
    expect(linesOf(bare).map((line) => line.replace(/^\d+:\d+ /, ""))).toEqual([
      'site "*".route[1].upstream: is missing; write upstream = "apps", or an answer with redirect or respond',
    ]);
    expect(complaints('[[site.route]]\npath = "/x"\nrespond = { status = 200, body = "ok" }\n')).toEqual([]);
  });
});

describe("a site or a listener", () => {
  test("may do nothing but redirect", () => {
    const text =
      base +
      vip +
      site.slice(0, site.indexOf("[[site.route]]")) +
      'redirect = { to = "https://b$request_uri" }\n';
    expect(linesOf(text)).toEqual([expect.stringContaining("no [[site.route]] leads to it")]);
  });

  test("cannot redirect to itself", () => {
    expect(complaints("", 'redirect = { to = "$scheme://$host$request_uri" }').join("\n")).toContain(
      "leads to where the client is already, for ever; write another target",
    );
  });

  test("is warned of trust in everybody", () => {
    expect(complaints("", "", 'trusted_proxies = ["0.0.0.0/0"]')).toEqual([
      'listener "http".trusted_proxies[0]: warning: believes what every client says about its address; name the networks of your own proxies',
    ]);
  });

  test("names files with networks in them", () => {
    const text = routes("", 'deny = { file = "/d" }');
    const host = {
      ...noKnowledge,
      networkFileProblem: (path: string) => `${path}, line 3: "x" is no network`,
    };
    expect(
      readConfig(text, "f", host).diagnostics.map(({ key, remedy, what }) => `${key}: ${what}; ${remedy}`),
    ).toEqual([
      'site "*".deny: /d, line 3: "x" is no network; write one network on a line, as in "192.0.2.0/24"',
    ]);
  });
});

test("limits of a site hold for its routes, unless these have their own, and none is more than the listener's", () => {
  const own =
    '[[site.route]]\npath = "/up"\nupstream = "apps"\nmax_body = "1g"\nlimits = { header = "12k" }\n';
  const ofSite = 'max_body = "2m"\nlimits = { url = "1k", fields = 20 }';
  const { config, diagnostics } = readConfig(routes(own, ofSite), "f");
  expect(diagnostics).toEqual([]);
  expect(config?.sites[0]?.routes.map(({ headLimits, maxBodyBytes }) => [maxBodyBytes, headLimits])).toEqual([
    [2 * 1024 ** 2, { startLineBytes: 1024, headBytes: null, fields: 20 }],
    [1024 ** 3, { startLineBytes: null, headBytes: 12 * 1024, fields: null }],
  ]);
  const shown = config === null ? "" : describePlan(planNode(config, "lb1", { cores: 1 }));
  expect(shown).toContain("/up to upstream apps, bodies up to 1g, heads up to 12k\n");
  expect(complaints(own.replace("12k", "17k"), ofSite.replace("20", "129"))).toEqual([
    'site "*".limits.fields: is more than the 128 that listener "http" lets in; raise limits in the [[listener]], or lower this',
    'site "*".route "/up".limits.header: is more than the 16k that listener "http" lets in; raise limits in the [[listener]], or lower this',
  ]);
  expect(complaints("", "", 'limits = { url = "2m" }')).toEqual([
    'listener "http".limits.url: is more than 1 MiB; write 1m at most, as in url = "8k"',
  ]);
});
