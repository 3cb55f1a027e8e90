import { describe, expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import type { IpvsServicePlan } from "../../../src/config/service-plan.ts";
import { base, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";
import { service, to } from "./kernel-service-texts.ts";

/** What a configuration enters into the kernel's table of the first node. */
function planned(text: string, warnings = 0): readonly IpvsServicePlan[] {
  const { config, diagnostics } = readConfig(text, "f");
  expect(diagnostics).toHaveLength(warnings);
  const [node] = config?.nodes ?? [];
  if (config === null || node === undefined) throw new Error("no configuration");
  const plan = planNode(config, node.name, { cores: 1 });
  return plan.director.services;
}

describe("services in the kernel", () => {
  test("several ports are entries of their own, each with its checks", () => {
    const entries = planned(service('check = { type = "tcp" }\n', to("port = 80", 'ports = [443, "80-81"]')));
    expect(entries.map(({ key }) => ("port" in key ? key.port : 0))).toEqual([80, 81, 443]);
    expect(entries.map(({ servers }) => servers.map(({ port, probe }) => [port, probe]))).toEqual(
      [80, 81, 443].map((port) => [[port, `tcp 172.16.8.8:${port} every 2s`]]),
    );
  });

  test("a mark has a service for each family of its servers, at no port but that of the translation", () => {
    const marked = to('vips = ["public"]\nport = 80', "fwmark = 7");
    const both = to(
      '{ address = "172.16.8.8" }',
      '{ address = "172.16.8.8", port = 8080 }, { address = "2001:db8::8" }',
    );
    const check = 'check = { type = "tcp", port = 8081 }\n';
    const direct = planned(service(check, (text) => both(marked(text))));
    expect(
      direct.map(({ key, servers }) => [key, servers.map(({ address, port }) => [address, port])]),
    ).toEqual([
      [{ family: 4, mark: 7 }, [["172.16.8.8", 0]]],
      [{ family: 6, mark: 7 }, [["2001:db8::8", 0]]],
    ]);
    expect(direct[0]?.servers[0]?.probe).toBe("tcp 172.16.8.8:8081 every 2s");
    const translated = planned(service(check, (text) => both(marked(text)).replace('"dr"', '"nat"')));
    expect(translated.map(({ servers }) => servers[0]?.port)).toEqual([8080, 0]);
  });

  test("a mark with addresses and ports is put by edge-ha, for one service", () => {
    const wide = to("port = 80", 'ports = ["8000-8002", 443]\nfwmark = 7\npersistence = "5m"');
    const check = 'check = { type = "tcp", port = 8000 }\n';
    const { config } = readConfig(service(check, wide), "f");
    const plan =
      config === null ? null : planNode(config, config.nodes[0]?.name ?? "", { cores: 1 }).director;
    expect(
      plan?.services.map(({ key, servers }) => [key, servers.map(({ port, probe }) => [port, probe])]),
    ).toEqual([[{ family: 4, mark: 7 }, [[0, "tcp 172.16.8.8:8000 every 2s"]]]]);
    expect(plan?.marks).toEqual([
      {
        family: 4,
        mark: 7,
        sockets: [443, 8000, 8001, 8002].map((port) => ({ protocol: "tcp", address: "172.16.8.100", port })),
      },
    ]);
  });

  test("translation changes the port, and leads to the sorry server's own", () => {
    const [entry] = planned(
      service('sorry = "172.16.8.9:8080"\n', (text) =>
        text.replace('"dr"', '"nat"').replace('8.8"', '8.8", port = 8080'),
      ),
    );
    expect(entry?.servers).toMatchObject([
      { address: "172.16.8.8", port: 8080, forward: "nat", tunnel: null },
    ]);
    expect(entry?.sorry).toEqual({ address: "172.16.8.9", port: 8080, forward: "nat", tunnel: null });
  });

  test("by a mark translation leads to each port of a server", () => {
    const [entry] = planned(
      service("fwmark = 7\n", (text) =>
        text
          .replace('"dr"', '"nat"')
          .replace('8.8"', '8.8", port = 8080 }, { address = "172.16.8.8", port = 8081'),
      ),
    );
    expect(entry?.servers.map(({ address, port }) => `${address}:${port}`)).toEqual([
      "172.16.8.8:8080",
      "172.16.8.8:8081",
    ]);
  });

  test("a sorry server is one of its own family, but where a tunnel leads to the other", () => {
    const text = service('sorry = "172.16.8.9:80"\n', (one) =>
      one
        .replace('["public"]', '["public"]\naddresses = ["2001:db8::100"]')
        .replace('"172.16.8.8" }', '"172.16.8.8" }, { address = "2001:db8::8" }'),
    );
    expect(linesOf(text)).toEqual([
      '24:9 service "web".sorry: warning: connections over IPv6 have no sorry server, as this one has an IPv4 address; make a service of its own of each family, unless that is meant',
    ]);
    expect(planned(text, 1).map(({ sorry }) => sorry?.address)).toEqual(["172.16.8.9", undefined]);
    const tunnel = text.replace('"dr"', '"tunnel"');
    expect(planned(tunnel).map(({ sorry }) => sorry?.address)).toEqual(["172.16.8.9", "172.16.8.9"]);
  });

  test("each family of VIPs leads to the servers of that family, a tunnel also to the other", () => {
    const twoVips = to('["public"]', '["public"]\naddresses = ["2001:db8::100"]');
    const twoServers = to('"172.16.8.8" }', '"172.16.8.8" }, { address = "2001:db8::8" }');
    const text = base + vip + twoServers(twoVips(web));
    expect(planned(text).map(({ servers }) => servers.map(({ address }) => address))).toEqual([
      ["172.16.8.8"],
      ["2001:db8::8"],
    ]);
    const tunnel = 'tunnel = { type = "gue", port = 5555, checksum = "full" }\n';
    const mixed = base + vip + twoVips(web).replace('"dr"', '"tunnel"') + tunnel;
    const gue = { type: "gue", port: 5555, checksum: "full" } as const;
    expect(planned(mixed).map(({ servers }) => servers)).toMatchObject([
      [{ address: "172.16.8.8", forward: "tunnel", tunnel: gue }],
      [{ address: "172.16.8.8", forward: "tunnel", tunnel: gue }],
    ]);
  });

  test("a server may be reached in its own way", () => {
    const servers = 'servers = [{ address = "172.16.8.8" }, { address = "172.16.8.9", forward = "tunnel" }]';
    const [entry] = planned(service("", to('servers = [{ address = "172.16.8.8" }]', servers)));
    expect(entry?.servers.map(({ forward, tunnel }) => [forward, tunnel?.type])).toEqual([
      ["dr", undefined],
      ["tunnel", "ipip"],
    ]);
  });

  test("UDP, SIP, prefixes, schedulers with settings, thresholds", () => {
    const lines = [
      'protocol = "udp"',
      'scheduler = "mh"',
      'scheduler_flags = ["port", "fallback"]',
      "one_packet = true",
      'persistence = "5m"',
      'persistence_mask = "255.255.255.0"',
      'persistence_engine = "sip"',
    ];
    const limits = to('8.8"', '8.8", upper_threshold = 100, lower_threshold = 50');
    const [entry] = planned(service(`${lines.join("\n")}\n`, limits));
    expect(entry).toMatchObject({
      key: { family: 4, protocol: "udp", address: "172.16.8.100", port: 80 },
      scheduler: "mh",
      schedulerFlags: ["port", "fallback"],
      isOnePacket: true,
      persistenceS: 300,
      persistencePrefix: 24,
      persistenceEngine: "sip",
      servers: [{ upperThreshold: 100, lowerThreshold: 50 }],
    });
  });

  test("quorum, inhibition, slow start and damping, each server as the service unless it says otherwise", () => {
    const lines = [
      'check = { type = "tcp" }',
      "quorum = 100",
      "hysteresis = 20",
      'quorum_up = "/usr/bin/up now"',
      'quorum_down = ["/usr/bin/down"]',
      'quorum_timeout = "5s"',
      "alpha = true",
      "omega = true",
      "inhibit = true",
      'slow_start = "30s"',
      'damping = { changes = 5, within = "1m", hold = "2m" }',
    ];
    const servers = to(
      '"172.16.8.8" }',
      '"172.16.8.8", weight = 100 }, { address = "172.16.8.9", weight = 100, inhibit = false, slow_start = "0s" }',
    );
    const [entry] = planned(service(`${lines.join("\n")}\n`, servers));
    expect(entry).toMatchObject({
      quorum: {
        weight: 100,
        hysteresis: 20,
        up: { command: ["/usr/bin/up", "now"], timeoutMs: 5000, user: null },
        down: { command: ["/usr/bin/down"], timeoutMs: 5000, user: null },
        endsOnStop: true,
      },
      startsDown: true,
      damping: { changes: 5, withinMs: 60_000, holdMs: 120_000 },
      servers: [
        { inhibits: true, slowStartMs: 30_000 },
        { inhibits: false, slowStartMs: 0 },
      ],
    });
  });

  test("services of two protocols share an address and a port", () => {
    const udp = web.replace('"web"', '"web-udp"') + 'protocol = "udp"\n';
    expect(linesOf(base + vip + web + udp)).toEqual([]);
    expect(linesOf(base + vip + web + udp + udp.replace('"web-udp"', '"again"'))).toEqual([
      '33:8 service "again".port: udp 172.16.8.100:80 already belongs to the [[service]] in line 23; use another port or address, or put the servers into one service',
    ]);
  });
});
