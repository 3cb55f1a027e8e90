import { describe, expect, test } from "bun:test";
import type { Answer } from "../../../../src/proxy/answer.ts";
import { parsePrefix } from "../../../../src/base/address.ts";
import type { ConditionsPlan, RedirectPlan } from "../../../../src/config/routing-plan.ts";
import { isLoop } from "../../../../src/proxy/headers.ts";
import { compileAccess } from "../../../../src/proxy/policy/access.ts";
import { compileConditions, compilePath } from "../../../../src/proxy/policy/conditions.ts";
import { compileCors } from "../../../../src/proxy/policy/cors.ts";
import { variableLines } from "../../../../src/proxy/policy/fields.ts";
import { compileRedirect } from "../../../../src/proxy/policy/redirect.ts";
import { requestView, testClient } from "../../../support/request-view.ts";

const networks = (...texts: readonly string[]): NonNullable<ReturnType<typeof parsePrefix>>[] =>
  texts.flatMap((text) => parsePrefix(text) ?? []);

const is = (value: boolean | string | RegExp): ConditionsPlan["query"][number]["is"] =>
  typeof value === "boolean"
    ? { kind: value ? "present" : "absent" }
    : typeof value === "string"
      ? { kind: "text", text: value }
      : { kind: "pattern", pattern: value.source };
const list = (
  prefixes: readonly string[],
  path?: string,
): { prefixes: ReturnType<typeof networks>; files: string[] } => ({
  prefixes: networks(...prefixes),
  files: path === undefined ? [] : [path],
});
const via = (text: string): boolean => isLoop(requestView("GET /", text).fields, "edge-ha");

describe("conditions of a route", () => {
  const nothing: ConditionsPlan = { methods: [], headers: [], query: [], sources: [] };
  test.each<[Partial<ConditionsPlan>, string, string, boolean]>([
    [{ methods: ["PUT", "POST"] }, "POST /", "", true],
    [{ methods: ["PUT", "POST"] }, "GET /", "", false],
    [{ headers: [{ name: "x-a", is: is(true) }] }, "GET /", "X-A: \r\n", true],
    [{ headers: [{ name: "x-a", is: is(false) }] }, "GET /", "X-A: 1\r\n", false],
    [{ headers: [{ name: "x-a", is: is("1") }] }, "GET /", "x-a: 1\r\n", true],
    [{ headers: [{ name: "x-a", is: is("1") }] }, "GET /", "X-A: 1\r\nX-A: 2\r\n", false],
    [{ headers: [{ name: "accept", is: is(/json$/) }] }, "GET /", "Accept: a/json\r\n", true],
    [{ headers: [{ name: "host", is: is("a") }] }, "GET /", "", true],
    [{ query: [{ name: "v", is: is("a b") }] }, "GET /?x&v=1&%76=a+%62", "", true],
    [{ query: [{ name: "v", is: is(true) }] }, "GET /?v", "", true],
    [{ query: [{ name: "v", is: is(false) }] }, "GET /?v", "", false],
    [{ query: [{ name: "ü", is: is("ä") }] }, "GET /?%C3%BC=%c3%a4", "", true],
    [{ query: [{ name: "v", is: is(/^[0-9]$/) }] }, "GET /?v=12", "", false],
    [{ sources: networks("192.0.2.0/24") }, "GET /", "", true],
    [{ sources: networks("192.0.3.0/24", "2001:db8::/32") }, "GET /", "", false],
  ])("%j of %s %j is %p", (plan, line, fields, expected) => {
    const matches = compileConditions({ ...nothing, ...plan });
    expect(matches?.(requestView(line, fields))).toBe(expected);
  });

  test("are none where nothing is asked for", () => {
    expect(compileConditions(nothing)).toBeNull();
  });

  test("tell paths as they are compared", () => {
    expect(compilePath("exact", "/a%20b").takes?.("/a b")).toBe(true);
    expect(compilePath("pattern", "^/x$").takes?.("/x\n")).toBe(false);
    expect(compilePath("pattern", "(?i)^/ÜX").takes?.("/\u00c3\u009cx")).toBe(true);
    expect(compilePath("prefix", "/a")).toEqual({ path: "/a", takes: null });
  });
});

describe("who may come", () => {
  const files: Readonly<Record<string, string>> = {
    "/deny": "# a country\n198.51.100.0/24 XX;\n\n203.0.113.0/25",
    "/bad": "1.2.3.4\nx y\n",
  };
  const asked = (
    allow: readonly string[] | null,
    deny: readonly string[] | null,
    remoteAddress: string,
    path?: string,
  ): number | undefined => {
    const gate = compileAccess(
      { allow: allow === null ? null : list(allow), deny: deny === null ? null : list(deny, path) },
      (name) => files[name] ?? "",
    );
    return gate(requestView("GET /", "", { ...testClient, remoteAddress }))?.status;
  };
  test.each<[readonly string[] | null, readonly string[] | null, string, number | undefined]>([
    [null, ["192.0.2.0/24"], "192.0.2.1", 403],
    [null, ["192.0.2.0/24"], "192.0.3.1", undefined],
    [["192.0.2.0/24"], null, "192.0.2.1", undefined],
    [["192.0.2.0/24"], null, "192.0.3.1", 403],
    [["192.0.2.7"], ["192.0.2.0/24"], "192.0.2.7", undefined],
    [["192.0.2.0/24"], ["192.0.2.0/24"], "192.0.2.7", 403],
    [["0.0.0.0/0"], ["2001:db8::/33"], "2001:db8:7fff::1", 403],
    [null, ["2001:db8::/33"], "2001:db8:8000::1", undefined],
  ])("with allow %j and deny %j, %s gets %p", (allow, deny, address, status) => {
    expect(asked(allow, deny, address)).toBe(status);
  });

  test("may stand in a file", () => {
    expect(asked(null, [], "198.51.100.9", "/deny")).toBe(403);
    expect(asked(null, [], "203.0.113.200", "/deny")).toBeUndefined();
    expect(() => asked(null, [], "192.0.2.1", "/bad")).toThrow('/bad, line 2: "x" is no network');
  });
});

describe("a redirection", () => {
  const plan: RedirectPlan = { to: null, status: 301, https: false, www: null, trailingSlash: null };
  const place = (more: Partial<RedirectPlan>, line: string): string | null => {
    const answer = compileRedirect({ ...plan, ...more })(requestView(line));
    return answer === null ? null : (/^Location: (.*)\r\n/.exec(answer.fields)?.[1] ?? "");
  };
  test.each<[Partial<RedirectPlan>, string, string | null]>([
    [{ to: "https://$host$request_uri" }, "GET /a?b", "https://a/a?b"],
    [{ to: "https://b$uri?x&$args" }, "GET //a/%0d%0A?b", "https://b/a/%0D%0A?x&b"],
    [{ https: true }, "GET http://shop.example:8080/a?b", "https://shop.example/a?b"],
    [{ www: "add" }, "GET http://shop.example:8080/a", "http://www.shop.example:8080/a"],
    [{ www: "add" }, "GET http://www.shop.example/", null],
    [{ www: "add" }, "GET http://192.0.2.1/", null],
    [{ www: "remove", https: true }, "GET http://www.shop.example/", "https://shop.example/"],
    [{ trailingSlash: "add" }, "GET /a?b", "http://a/a/?b"],
    [{ trailingSlash: "add" }, "GET /a/b.css", null],
    [{ trailingSlash: "remove" }, "GET /a//", "http://a/a"],
    [{ trailingSlash: "remove" }, "GET /", null],
  ])("of %j takes %s to %s", (more, line, expected) => {
    expect(place(more, line)).toBe(expected);
  });
});

describe("CORS", () => {
  const cors = compileCors({
    origins: ["https://a.example", "https://*.b.example"],
    methods: ["PUT"],
    headers: ["*"],
    expose: ["X-Total"],
    credentials: true,
    maxAgeS: 60,
  });
  const nobody = { sendResponse: () => true, sendBody: () => true };
  const changed = (answer: Answer, origin: string): string | undefined =>
    cors.filter(requestView("GET /", `Origin: ${origin}\r\n`), nobody)?.changed?.(answer).fields;
  const lines = (origin: string): string | undefined =>
    changed({ status: 200, fields: "", body: Buffer.alloc(0) }, origin);

  test("lets pages of its origins read", () => {
    for (const origin of ["https://a.example", "https://x.y.b.example"])
      expect(lines(origin)).toBe(
        `Access-Control-Allow-Origin: ${origin}\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Total\r\nVary: Origin\r\n`,
      );
    for (const origin of ["https://b.example", "http://x.b.example", "null", "https://evil/.b.example"])
      expect(lines(origin)).toBe("Vary: Origin\r\n");
  });

  test("answers preflights", () => {
    const asking = "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a, x-b\r\n";
    const answer = cors.preflight(requestView("OPTIONS /", `Origin: https://a.example\r\n${asking}`));
    expect(answer?.status).toBe(204);
    expect(answer?.fields).toContain("Allow-Methods: PUT\r\nAccess-Control-Allow-Headers: x-a, x-b\r\n");
    if (answer !== null) expect(changed(answer, "https://a.example")).toBe(answer.fields);
    const other = cors.preflight(requestView("OPTIONS /", `Origin: https://evil\r\n${asking}`));
    expect(other?.fields).not.toContain("Allow");
    expect(cors.preflight(requestView("OPTIONS /", "Origin: https://a.example\r\n"))).toBeNull();
  });
});

test("variables never end a line", () => {
  const lines = variableLines({
    remove: [],
    set: [["X-Uri", "$uri"]],
    add: [
      ["X-Empty", "$args"],
      ["X-Dn", "$ssl_client_s_dn"],
      ["X-Id", "$remote_addr $$ ${scheme}"],
    ],
  });
  const by = { ...testClient, certificateFields: "X-SSL-Client-S-DN: CN=a\u0000b\r\n" };
  expect(lines?.(requestView("GET /%0d%0aX:1", "", by))).toBe(
    "X-Uri: /%0D%0AX:1\r\nX-Id: 192.0.2.1 $ http\r\n",
  );
});

test("a request that was here twice goes round in a circle", () => {
  expect(via("Via: 1.1 edge-ha, 1.1 other\r\n")).toBe(false);
  expect(via("Via: 1.1 edge-ha-2, 1.0 not-edge-ha\r\n")).toBe(false);
  expect(via("Via: 1.1 edge-ha-a, 1.1 edge-ha-b, 1.1 edge-ha-c, 1.1 edge-ha (edge-ha)\r\n")).toBe(false);
  expect(via("Via: 1.1 edge-ha, 1.1 other\r\nVia: 1.0 Edge-HA (x)\r\n")).toBe(true);
});
