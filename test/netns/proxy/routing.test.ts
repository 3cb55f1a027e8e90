import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../src/config/read.ts";
import { planNode } from "../../../src/config/plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { freePort, ProxyDriver } from "../../support/proxy-driver.ts";
import { RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

/** Everything goes through a real configuration, a real proxy process and curl; the server answers with the head it got. */
const origin = new RawServer((connection) => {
  const head = connection.received.split("\r\n\r\n")[0] ?? "";
  connection.send(
    `HTTP/1.1 200 OK\r\nServer: origin\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\nContent-Length: ${head.length}\r\n\r\n${head}`,
  );
});
const port = freePort();
const port2 = freePort();
const folder = mkdtempSync(join(tmpdir(), "routing-"));
const denied = join(folder, "deny.txt");
const users = join(folder, "users");

const file = `[cluster]
name = "t"
[[node]]
name = "lb1"
[node.address]
eth0 = "192.0.2.1"
[[listener]]
name = "open"
address = "127.0.0.1:${port}"
http2 = true
response_headers = { set = { X-Listener = "yes" } }
[[listener]]
name = "behind"
address = "127.0.0.1:${port2}"
trusted_proxies = ["127.0.0.0/8"]
forwarded = "both"
[[upstream]]
name = "apps"
servers = [{ address = "127.0.0.1:${origin.port}" }]
[[site]]
hosts = ["shop.example", "www.shop.example"]
listeners = ["open", "behind"]
response_headers = { set = { X-Site = "$host $scheme" } }
[[site.route]]
upstream = "apps"
request_headers = { set = { X-From = "$remote_addr", Host = "inside.example" }, remove = ["Cookie"] }
response_headers = { remove = ["Server"], add = { X-Route = "$request_method" } }
[[site.route]]
methods = ["POST", "PUT"]
respond = { status = 405, body = "no\\n", headers = { Allow = "GET" } }
[[site.route]]
exact = "/exact"
respond = { status = 200, body = "exact" }
[[site.route]]
regex = "^/u/[0-9]+$"
upstream = "apps"
rewrite = { regex = "^/u/([0-9]+)$", to = "/user?id=$1" }
[[site.route]]
path = "/exact"
respond = { status = 200, body = "prefix" }
[[site.route]]
path = "/api"
upstream = "apps"
strip = "/api"
cors = { origins = ["https://app.example"], methods = ["PUT"], credentials = true }
[[site.route]]
path = "/api"
headers = { X-Beta = { regex = "^y" } }
respond = { status = 200, body = "beta" }
[[site.route]]
path = "/api"
query = { v = "2" }
source = ["198.51.100.0/24", "127.0.0.0/8"]
respond = { status = 200, body = "v2" }
[[site.route]]
path = "/old"
redirect = { to = "https://new.example$request_uri", status = 308 }
[[site.route]]
path = "/secure"
upstream = "apps"
redirect = { https = true, www = "add" }
[[site.route]]
path = "/private"
upstream = "apps"
deny = [{ file = "${denied}" }]
[[site.route]]
path = "/guarded"
basic_auth = { users = "${users}", realm = "t" }
respond = { status = 200, body = "inside" }
`;

function planOf(text: string): ProxyPlan {
  const { config, diagnostics } = readConfig(text, "f");
  if (config === null) throw new Error(diagnostics.map(({ key, what }) => `${key}: ${what}`).join("\n"));
  return planNode(config, "lb1", { cores: 1 }).proxy;
}

let driver: ProxyDriver | null = null;
beforeAll(async () => {
  writeFileSync(denied, "# nobody yet\n203.0.113.0/24\n");
  writeFileSync(users, `eve:${await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 })}\n`);
  driver = await ProxyDriver.start(planOf(file));
});
afterAll(async () => {
  await driver?.[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Gives the head and body of the answer, as curl prints it. */
async function curl(path: string, ...options: readonly string[]): Promise<string> {
  const at = options.includes("behind") ? port2 : port;
  const rest = options.filter((option) => option !== "behind");
  const host = rest.some((option) => option.startsWith("Host:")) ? [] : ["-H", "Host: shop.example"];
  const url = `http://127.0.0.1:${at}${path}`;
  const process = Bun.spawn(["curl", "-si", "--path-as-is", ...host, ...rest, url]);
  return (await new Response(process.stdout).text()).replaceAll("\r", "");
}

describe("a route", () => {
  test.each([
    ["/exact", [], "exact"],
    ["/exact/more", [], "prefix"],
    ["/%65xact", [], "exact"],
    ["/x/../exact", [], "exact"],
    ["/api/x", ["-H", "X-Beta: yes"], "beta"],
    ["/api/x?v=2&w", ["-H", "X-Beta: no"], "v2"],
    ["/api/x?v=1", [], "GET /x?v=1 HTTP/1.1\n"],
    ["/u/47", [], "GET /user?id=47 HTTP/1.1\n"],
    ["/u/47/", [], "GET /u/47/ HTTP/1.1\n"],
    ["/a//b?c", ["-X", "PUT"], "no\n"],
  ])("for %s %j answers", async (path, options, expected) => {
    const answer = await curl(path, ...options);
    expect(answer.split("\n\n").slice(1).join("\n\n")).toStartWith(expected);
  });

  test("changes fields both ways, beside those of its site and its listener", async () => {
    const answer = await curl("/", "-H", "Cookie: a=b");
    const [head = "", request = ""] = answer.split("\n\n");
    for (const line of ["X-Listener: yes", "X-Site: shop.example http", "X-Route: GET"])
      expect(head).toContain(`\n${line}`);
    expect(head).not.toContain("Server:");
    expect(request).toContain("\nHost: inside.example\n");
    expect(request).toContain("\nX-From: 127.0.0.1\n");
    expect(request).toContain("\nX-Forwarded-Host: shop.example\n");
    expect(request).not.toContain("Cookie");
  });

  test("sends clients elsewhere", async () => {
    expect(await curl("/old/a?b")).toMatch(
      /^HTTP\/1\.1 308 [^]*\nLocation: https:\/\/new\.example\/old\/a\?b\n/,
    );
    const secure = await curl("/secure?a");
    expect(secure).toContain("\nLocation: https://www.shop.example/secure?a\n");
    expect(secure).toContain("\nX-Listener: yes\n");
  });

  test("answers without a server only whom its other rules let in", async () => {
    expect(await curl("/guarded")).toStartWith("HTTP/1.1 401");
    expect(await curl("/guarded", "-u", "eve:wrong")).not.toContain("inside");
    expect(await curl("/guarded", "-u", "eve:right")).toEndWith("\n\ninside");
  });

  test("answers preflights, and speaks for its server about other origins", async () => {
    const app = ["-H", "Origin: https://app.example"];
    const preflight = await curl(
      "/api/x",
      "-X",
      "OPTIONS",
      ...app,
      "-H",
      "Access-Control-Request-Method: PUT",
    );
    expect(preflight).toMatch(/^HTTP\/1\.1 204 [^]*\nAccess-Control-Allow-Methods: PUT\n/);
    const [answer = ""] = (await curl("/api/x", ...app)).split("\n\n");
    expect(answer.match(/Access-Control-Allow-Origin: .*/g)).toEqual([
      "Access-Control-Allow-Origin: https://app.example",
    ]);
    expect(answer).toContain("\nVary: Origin\n");
    const [other = ""] = (await curl("/api/x", "-H", "Origin: https://evil.example")).split("\n\n");
    expect(other).not.toContain("Access-Control");
  });
});

function lower(line: string): string {
  return line.replace(/^[\w-]+:/, (name) => name.toLowerCase());
}

/** What an answer says whatever the version: status, fields without their order and case, body. */
function meaning(answer: string): string {
  const [head = "", ...body] = answer.split("\n\n");
  const [status = "", ...fields] = head.split("\n");
  const kept = fields.filter((line) => !/^(?:connection|transfer-encoding|date):/i.test(line));
  const request = body.join("\n\n").replace("Via: 2.0 ", "Via: 1.1 ").split("\n");
  return [status.split(" ")[1], ...kept.map(lower).sort(), "", ...request.map(lower).sort()].join("\n");
}

describe("a request over HTTP/2", () => {
  test.each([
    ["/", ["-H", "Cookie: a=b"], "200"],
    ["/x/../exact", [], "200"],
    ["/api/x", ["-H", "X-Beta: yes"], "200"],
    ["/api/x?v=2&w", [], "200"],
    ["/u/47", [], "200"],
    ["/a", ["-X", "PUT"], "405"],
    ["/old/a?b", [], "308"],
    ["/secure?a", [], "301"],
    ["/guarded", [], "401"],
    ["/guarded", ["-u", "eve:wrong"], "401"],
    ["/guarded", ["-u", "eve:right", "-d", "body"], "200"],
    ["/api/x", ["-H", "Origin: https://app.example"], "200"],
    [
      "/api/x",
      ["-X", "OPTIONS", "-H", "Origin: https://app.example", "-H", "Access-Control-Request-Method: PUT"],
      "204",
    ],
    ["/", ["-H", "Host: other.example"], "404"],
  ])("for %s %j is answered as over HTTP/1.1", async (path, options, status) => {
    const [one, two] = [
      await curl(path, ...options),
      await curl(path, "--http2-prior-knowledge", ...options),
    ];
    expect(two).toStartWith(`HTTP/2 ${status}`);
    expect(meaning(two)).toBe(meaning(one));
  });
});

describe("a client", () => {
  const says = ["-H", "X-Forwarded-For: 203.0.113.7", "-H", "X-Forwarded-Proto: https"];

  test("is not believed about itself", async () => {
    const request = await curl("/", ...says, "-H", "Forwarded: for=6.6.6.6");
    expect(request).toContain("\nX-Forwarded-For: 127.0.0.1\n");
    expect(request).toContain("\nX-Forwarded-Proto: http\n");
    expect(request).not.toContain("6.6.6.6");
    expect(await curl("/private", ...says)).toStartWith("HTTP/1.1 200");
  });

  test("is whom a trusted proxy names, for rules, servers and redirections", async () => {
    const request = await curl("/", "behind", ...says);
    expect(request).toContain("\nX-Real-IP: 203.0.113.7\n");
    expect(request).toContain("\nX-Forwarded-For: 203.0.113.7, 127.0.0.1\n");
    expect(request).toContain('\nForwarded: for=127.0.0.1;proto=http;host="shop.example"\n');
    expect(request).toContain("\nX-From: 203.0.113.7\n");
    expect(request).toContain("\nX-Site: shop.example https\n");
    expect(await curl("/private", "behind", ...says)).toStartWith("HTTP/1.1 403");
    const secured = ["-H", "Host: www.shop.example", "-H", "X-Forwarded-Proto: https"];
    expect(await curl("/secure", "behind", ...secured)).toStartWith("HTTP/1.1 200");
    expect(await curl("/secure", "behind", ...secured.slice(0, 2))).toContain(
      "\nLocation: https://www.shop.example/secure\n",
    );
  });

  test("is let in as soon as the file of the denied says so", async () => {
    writeFileSync(denied, "198.51.100.0/24\n");
    await driver?.configure(planOf(file));
    expect(await curl("/private", "behind", ...says)).toStartWith("HTTP/1.1 200");
  });

  test("gets 508 for what goes round in a circle", async () => {
    const self = "1.1 edge-ha-t-lb1";
    expect(await curl("/", "-H", `Via: ${self}`)).toMatch(
      /\nVia: 1\.1 edge-ha-t-lb1\n[^]*\nVia: 1\.1 edge-ha-t-lb1$/,
    );
    expect(await curl("/", "-H", `Via: ${self}, ${self}`)).toStartWith("HTTP/1.1 508");
    // Any number of other nodes may stand before this one.
    const others = "1.1 edge-ha-t-lb2, 1.1 edge-ha-s-lb1, 1.1 edge-ha-s-lb2";
    expect(await curl("/", "-H", `Via: ${others}`)).toStartWith("HTTP/1.1 200");
  });
});
