import { describe, expect, test } from "bun:test";
import { parsePrefix } from "../../../../src/base/address.ts";
import { plainListenerPolicy, type ForwardedWord } from "../../../../src/config/routing-plan.ts";
import { compileClient, compileTelling } from "../../../../src/proxy/policy/client.ts";
import { requestView, testClient } from "../../../support/request-view.ts";

const trustedProxies = ["192.0.2.0/24", "2001:db8::/32"].flatMap((text) => parsePrefix(text) ?? []);

function seen(
  lines: string,
  forwarded: ForwardedWord = "x-forwarded",
  from = "192.0.2.1",
): readonly string[] {
  const policy = { ...plainListenerPolicy, trustedProxies, forwarded };
  const view = requestView("GET /", lines, { ...testClient, remoteAddress: from });
  compileClient(policy)?.(view);
  const told = compileTelling(policy)?.(view) ?? "";
  return [view.client, view.scheme, ...told.trim().split("\r\n").slice(1)];
}

describe("a client behind a trusted proxy", () => {
  test.each([
    ["is the right-most that is none", "X-Forwarded-For: 6.6.6.6, 203.0.113.7, 192.0.2.9\r\n", "203.0.113.7"],
    [
      "may be in several fields",
      "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 192.0.2.9\r\n",
      "203.0.113.7",
    ],
    ["is the left-most of proxies alone", "X-Forwarded-For: 192.0.2.7, 192.0.2.9\r\n", "192.0.2.7"],
    [
      "is not looked for behind what is no address",
      "X-Forwarded-For: 6.6.6.6, x, 192.0.2.9\r\n",
      "192.0.2.9",
    ],
    ["may have a port", "X-Forwarded-For: 203.0.113.7:4711\r\n", "203.0.113.7"],
    ["may be of IPv6", "X-Forwarded-For: 2001:DB9::1, [2001:db8::2]:80\r\n", "2001:db9::1"],
    ["is the proxy where nothing is said", "", "192.0.2.1"],
  ])("%s", (_, lines, client) => {
    expect(seen(lines)[0]).toBe(client);
  });

  test("is told on with the proxy's own word", () => {
    const lines =
      "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n";
    expect(seen(lines)).toEqual([
      "203.0.113.7",
      "https",
      "X-Forwarded-For: 203.0.113.7, 192.0.2.1",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: shop.example",
    ]);
  });

  test("is read from and written into Forwarded", () => {
    const lines = 'Forwarded: for="[2001:db9::1]:47";proto=https;host="a,b", for=192.0.2.9;proto=https\r\n';
    expect(seen(lines, "rfc7239")).toEqual([
      "2001:db9::1",
      "https",
      'Forwarded: for="[2001:db9::1]:47";proto=https;host="a,b", for=192.0.2.9;proto=https, for=192.0.2.1;proto=http;host="a"',
    ]);
  });
});

describe("a client that says something of itself", () => {
  test("is whoever the connection belongs to", () => {
    const lines = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.0.0.1\r\n";
    expect(seen(lines, "both", "203.0.113.1")).toEqual([
      "203.0.113.1",
      "http",
      "X-Forwarded-For: 203.0.113.1",
      "X-Forwarded-Proto: http",
      "X-Forwarded-Host: a",
      'Forwarded: for=203.0.113.1;proto=http;host="a"',
    ]);
  });
});
