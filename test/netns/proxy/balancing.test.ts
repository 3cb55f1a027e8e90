import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { UpstreamPlan } from "../../../src/config/http-plan.ts";
import { freePort, ProxyDriver, simplePlan, upstream, upstreamServer } from "../../support/proxy-driver.ts";
import { answering, ask, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`;
}

function cookieOf(answer: string): string {
  return /Set-Cookie: (EDGE_HA=[\w-]+); Path/.exec(answer)?.[1] ?? "none";
}

/** Starts a proxy in front of these servers, with one upstream. */
async function start(
  port: number,
  servers: readonly RawServer[],
  more: Partial<UpstreamPlan> = {},
): Promise<ProxyDriver> {
  const plans = servers.map((server) => upstreamServer(server.port));
  return ProxyDriver.start(simplePlan(port, [], { upstreams: [upstream("apps", plans, more)] }));
}

describe("the servers of an upstream", () => {
  test("take requests by the hash of a field or of the URI", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    await using c = new RawServer(answering("c"));
    const servers = [a, b, c];
    await using driver = await start(port, servers, {
      balance: "consistent-hash",
      hash: { kind: "header", name: "x-tenant" },
    });
    const by = async (text: string): Promise<string> => (await ask(port, text)).slice(-1);
    const tenants = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    const first = [];
    for (const tenant of tenants) first.push(await by(get("/", `X-Tenant: ${tenant}\r\n`)));
    const second = [];
    for (const tenant of tenants) second.push(await by(get("/other", `x-tenant: ${tenant}\r\n`)));
    expect(second).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
    const plans = servers.map((server) => upstreamServer(server.port));
    const more = { balance: "consistent-hash", hash: { kind: "uri" } } as const;
    await driver.configure(simplePlan(port, [], { upstreams: [upstream("apps", plans, more)] }));
    expect(await by(get("/x?y"))).toBe(await by(get("/x?y", "X-Tenant: two\r\n")));
  });

  test("keep a client that brings the cookie, and give another when its server is gone", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    const sticky = {
      cookie: "EDGE_HA",
      secret: "0123456789abcdef",
      ttlMs: null,
      path: "/",
      isSecure: false,
      isHttpOnly: true,
      sameSite: null,
    };
    await using _driver = await start(port, [a, b], { sticky });
    const first = await ask(port, get("/"));
    expect(first.slice(-1)).toBe("a");
    const cookie = `Cookie: other=1; ${cookieOf(first)}\r\n`;
    for (let request = 0; request < 4; request++) {
      const answer = await ask(port, get("/", cookie));
      expect(answer.slice(-1)).toBe("a");
      expect(cookieOf(answer)).toBe("none");
    }
    const forged = await ask(port, get("/", "Cookie: EDGE_HA=AAAAAAAAAAAAAAAAAAAAAA\r\n"));
    expect(cookieOf(forged)).not.toBe("none");
    await a[Symbol.asyncDispose]();
    const after = await ask(port, get("/", cookie));
    expect(after.slice(-1)).toBe("b");
    expect(cookieOf(after)).not.toBe("none");
    expect(cookieOf(after)).not.toBe(cookieOf(first));
  });
});
