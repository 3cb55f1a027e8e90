import { describe, expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import type { FoundServer, SrvWords } from "../../../src/config/lookup-plan.ts";
import { upstreamServers } from "../../../src/config/plan-proxy.ts";
import { withNamedServers } from "../../../src/config/plan-proxied.ts";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

const check = 'check = { type = "tcp", interval = "1s" }';

function withServers(servers: string, lines = ""): string {
  return base + vip + site.replace(/servers = .*/, `servers = [${servers}]\n${lines}`);
}

function complaints(servers: string, lines = ""): readonly string[] {
  return linesOf(withServers(servers, lines)).map((line) => line.replace(/^.* upstream "apps"/, ""));
}

const remedy =
  'write address = "192.0.2.8:80" or "app.example:80"; a name without a port is one of SRV records, as "_http._tcp.app.example"';

describe("a server that goes by a name", () => {
  test("has its name in lower case, and a port unless SRV records say it", () => {
    const config = configOf(
      withServers(
        '{ address = "App.Example.:8080", weight = 5 }, { address = "_http._tcp.app.example", backup = true }',
      ),
    );
    expect(config.upstreams[0]?.named).toMatchObject([
      {
        port: 8080,
        weight: 5,
        isBackup: false,
        lookup: { id: "apps app.example", kind: "address", families: [4, 6] },
      },
      { port: null, isBackup: true, lookup: { name: "_http._tcp.app.example", kind: "srv" } },
    ]);
  });

  test("is looked up as the upstream says", () => {
    const lines =
      'resolve = { resolvers = ["192.0.2.53", "[2001:db8::53]:8600"], family = "ipv4", keep = "1h" }';
    const config = configOf(withServers('{ address = "app.example:80" }', lines));
    expect(config.upstreams[0]?.named[0]?.lookup).toMatchObject({
      resolvers: [
        { address: "192.0.2.53", port: 53 },
        { address: "2001:db8::53", port: 8600 },
      ],
      families: [4],
      timeoutMs: 2_000,
      tries: 2,
      minTtlMs: 1_000,
      maxTtlMs: 3_600_000,
      keepMs: 3_600_000,
      mostServers: 64,
    });
  });

  test.each([
    "app.example",
    "app.example:0",
    "192.0.2.300:80",
    "a..b:80",
    "-a.example:80",
    "_http._tcp.a:80",
    "a b:80",
  ])("is no %j", (text) => {
    const what = `.servers[0].address: "${text}" is no address or name with a port; ${remedy}`;
    expect(complaints(`{ address = "${text}" }`)).toEqual([what]);
  });

  test.each([
    [
      '{ address = "192.0.2.1:80" }',
      "resolve = {}",
      '.resolve: no server of the upstream goes by a name; write address = "app.example:80", or remove it',
    ],
    [
      '{ address = "_http._tcp.app.example", weight = 2 }',
      "",
      ".servers[0].weight: the SRV records of _http._tcp.app.example say what weight each server has; remove it",
    ],
    [
      '{ address = "app.example:80" }, { address = "APP.example:80" }',
      "",
      ".servers[1].address: app.example:80 is already in the list; remove it here and give the other more weight",
    ],
    [
      '{ address = "app.example:80" }',
      'resolve = { resolvers = ["dns.example"] }',
      '.resolve.resolvers[0]: "dns.example" is no address of a name server; write resolvers = ["192.0.2.53"], with a port if it is not 53',
    ],
    [
      '{ address = "app.example:80" }',
      'resolve = { min_ttl = "1m", max_ttl = "1s" }',
      ".resolve.max_ttl: is shorter than min_ttl; write a longer one",
    ],
  ])("%s %s is told what to write", (servers, lines, complaint) => {
    expect(complaints(servers, lines)).toEqual([complaint]);
  });

  test("cannot be counted by a track, and is several to whoever asks", () => {
    const text = `${withServers('{ address = "app.example:80" }', `${check}\nejection = {}`)}\n[[track]]\nname = "t"\nupstream = "apps"\nweight = -10\n`;
    const said = linesOf(text);
    expect(said).toEqual([
      '33:12 track "t".upstream: upstream "apps" has servers that go by a name, and how many that is nobody knows; write their addresses, or track something else',
    ]);
  });
});

const srv = (port: number, priority: number, weight: number): SrvWords => ({
  port,
  priority,
  weight,
  target: "web.example",
});

describe("what names stand for", () => {
  const text = withServers(
    '{ address = "app.example:80", weight = 7 }, { address = "10.16.8.9:80" }, { address = "_http._tcp.app.example" }',
    check,
  );
  const plan = planNode(configOf(text), "lb1", { cores: 1 });
  const servers: readonly FoundServer[] = [
    { address: "10.16.8.1", srv: null },
    { address: "10.16.8.9", srv: null },
  ];
  const found = new Map<string, readonly FoundServer[]>([
    ["apps app.example", servers],
    [
      "apps _http._tcp.app.example",
      [
        { address: "10.16.8.5", srv: srv(8080, 10, 0) },
        { address: "10.16.8.5", srv: srv(8081, 20, 9) },
        { address: "10.16.8.1", srv: srv(80, 10, 1) },
      ],
    ],
  ]);

  test("are the same servers for the director and the proxies, none of them twice", () => {
    const upstream = plan.proxy.upstreams[0];
    if (upstream === undefined) throw new Error("no upstream");
    const proxy = upstreamServers(upstream, found);
    expect(
      proxy.map(({ address, port, weight, isBackup, name }) => [address, port, weight, isBackup, name]),
    ).toEqual([
      ["10.16.8.9", 80, 1, false, null],
      ["10.16.8.1", 80, 7, false, "app.example"],
      ["10.16.8.5", 8080, 1, false, "web.example"],
      ["10.16.8.5", 8081, 9, true, "web.example"],
    ]);
    const director = withNamedServers(plan.director, found);
    const group = director.proxied.find(({ name }) => name === "apps");
    expect(group?.servers.map(({ address, port, weight, probe }) => [address, port, weight, probe])).toEqual(
      proxy.map(({ address, port, weight, probe }) => [address, port, weight, probe]),
    );
    expect(director.probes.map(({ id }) => id)).toEqual([
      "tcp 10.16.8.9:80 every 1s",
      "tcp 10.16.8.1:80 every 1s",
      "tcp 10.16.8.5:8080 every 1s",
      "tcp 10.16.8.5:8081 every 1s",
    ]);
  });

  test("is nobody before they are found", () => {
    const director = withNamedServers(plan.director, new Map());
    expect(director.proxied.find(({ name }) => name === "apps")?.servers.length).toBe(1);
    expect(plan.director.lookups.map(({ id }) => id)).toEqual([
      "apps app.example",
      "apps _http._tcp.app.example",
    ]);
  });

  test("is shown by check --plan as what is looked up", () => {
    const shown = describePlan(plan);
    expect(shown).toContain("app.example:80 weight 7, looked up, checked");
    expect(shown).toContain("_http._tcp.app.example, as SRV records say, looked up, checked");
  });
});
