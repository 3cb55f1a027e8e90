import { describe, expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import type { IpvsServicePlan } from "../../../src/config/service-plan.ts";
import { base, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

/** What a configuration enters into the kernel's table of the first node. */
function planned(text: string): readonly IpvsServicePlan[] {
  const { config, diagnostics } = readConfig(text, "f");
  expect(diagnostics).toEqual([]);
  const [node] = config?.nodes ?? [];
  if (config === null || node === undefined) throw new Error("no configuration");
  const plan = planNode(config, node.name, { cores: 1 });
  return plan.director.services;
}

/** The configuration of a service with changes to its text, and lines added at its end. */
const service = (lines = "", change: (text: string) => string = (text) => text): string =>
  base + vip + change(web) + lines;
const to =
  (what: string, instead: string) =>
  (text: string): string =>
    text.replace(what, instead);

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

describe("services that the kernel could not keep", () => {
  test.each<[string, string, (text: string) => string, readonly string[]]>([
    [
      "neither port nor mark",
      "",
      to("port = 80\n", ""),
      ['17:1 service "web".port: is missing; write port = 80'],
    ],
    [
      "port and ports",
      "",
      to("port = 80", "port = 80\nports = [81]"),
      ['21:9 service "web".ports: port and ports are both written; put all of them into ports'],
    ],
    [
      "ports that are none",
      "",
      to("port = 80", 'ports = ["90-80"]'),
      [
        '20:9 service "web".ports: must be a list of ports and ranges of ports; write ports = [80, 443], or ports = ["8000-8010"]',
      ],
    ],
    [
      "too many ports",
      "",
      to("port = 80", 'ports = ["1-1000"]'),
      [
        '20:9 service "web".ports: 1000 ports are more than the 256 that a service may cover; let your packet filter mark the packets, and write fwmark in place of ports',
      ],
    ],
    [
      "a mark beside addresses",
      "fwmark = 1\n",
      to("", ""),
      [
        '19:8 service "web".vips: a service goes by a firewall mark, or by addresses and ports, not by both; remove fwmark, or remove vips, addresses, port and ports and let the packet filter mark',
      ],
    ],
    [
      "a mark without a port to check",
      'check = { type = "tcp" }\n',
      to('vips = ["public"]\nport = 80', "fwmark = 1"),
      [
        '22:9 service "web".check.port: a firewall mark does not tell which port to check; write port = 80 in the check',
      ],
    ],
    [
      "a word of ipvsadm's for forwarding",
      "",
      to('"dr"', '"masq"'),
      ['21:11 service "web".forward: must be one of "dr", "nat", "tunnel", "proxy", not "masq"; write "nat"'],
    ],
    [
      "a port that a tunnel would have to change",
      "",
      (text) => text.replace('"dr"', '"tunnel"').replace('8.8"', '8.8", port = 8080'),
      [
        `22:45 service "web".servers[0].port: a tunnel changes no port, and 8080 is not the service's 80; leave it out and let the server listen on 80, or write forward = "nat" or "proxy"`,
      ],
    ],
    [
      "gue without a port",
      'tunnel = { type = "gue" }\n',
      to('"dr"', '"tunnel"'),
      ['23:10 service "web".tunnel.port: gue needs the UDP port the servers listen on; write port = 5555'],
    ],
    [
      "a port of gre, with a checksum it does not have",
      'tunnel = { type = "gre", port = 1, checksum = "remote" }\n',
      to('"dr"', '"tunnel"'),
      [
        '23:33 service "web".tunnel.port: gre has no ports; remove it, or write type = "gue"',
        '23:47 service "web".tunnel.checksum: only gue leaves the checksum to the receiver; write checksum = "full" or "none"',
      ],
    ],
    [
      "a tunnel in direct routing",
      'tunnel = { type = "ipip" }\n',
      to("", ""),
      ['23:10 service "web".tunnel: forward = "dr" wraps no packet; remove it, or write forward = "tunnel"'],
    ],
    [
      "settings of a scheduler that has none",
      'scheduler_flags = ["port"]\n',
      to("", ""),
      [
        '23:19 service "web".scheduler_flags: only the schedulers "sh" and "mh" have settings, "wrr" has none; remove it, or write scheduler = "mh"',
      ],
    ],
    [
      "one-packet scheduling of TCP",
      "one_packet = true\n",
      to("", ""),
      [
        '23:14 service "web".one_packet: only of UDP each packet can go its own way, and this is tcp; remove it, or write protocol = "udp"',
      ],
    ],
    [
      "one-packet scheduling with translation",
      'protocol = "udp"\none_packet = true\n',
      to('"dr"', '"nat"'),
      [
        '24:14 service "web".one_packet: the kernel forgets a packet that goes its own way, and translates no answer back; remove it, or write forward = "dr" or "tunnel"',
      ],
    ],
    [
      "a mask without persistence",
      "persistence_mask = 24\n",
      to("", ""),
      [
        '23:20 service "web".persistence_mask: means nothing without persistence; write persistence = "5m" too, or remove it',
      ],
    ],
    [
      "a mask that is none",
      'persistence = "5m"\npersistence_mask = "255.0.255.0"\n',
      to("", ""),
      [
        '24:20 service "web".persistence_mask: "255.0.255.0" is no mask; write persistence_mask = 24, or persistence_mask = { ipv4 = 24, ipv6 = 64 }',
      ],
    ],
    [
      "the Call-ID of TCP",
      'persistence = "5m"\npersistence_engine = "sip"\n',
      to("", ""),
      [
        `24:22 service "web".persistence_engine: SIP's Call-ID is found in UDP only, and this is tcp; remove it, or write protocol = "udp"`,
      ],
    ],
    [
      "thresholds the wrong way round",
      "",
      to('8.8"', '8.8", upper_threshold = 5, lower_threshold = 5'),
      [
        '22:77 service "web".servers[0].lower_threshold: the lower threshold 5 is not below the upper one, 5; write less than 5',
      ],
    ],
    [
      "a server of the other family",
      "",
      to('"172.16.8.8"', '"2001:db8::8"'),
      [
        '22:24 service "web".servers[0].address: the service has IPv4 addresses, and only a tunnel leads from there to an IPv6 server; write an IPv4 address, or forward = "tunnel"',
      ],
    ],
    [
      "a quorum that the weights never reach",
      'check = { type = "tcp" }\nquorum = 2\n',
      to("", ""),
      [
        '24:10 service "web".quorum: the weights of all servers add up to 1: a quorum of 2 is never reached; write quorum and hysteresis of 1 or less together',
      ],
    ],
    [
      "a hysteresis that never lets go",
      'check = { type = "tcp" }\nquorum = 2\nhysteresis = 2\n',
      to('8.8"', '8.8", weight = 9'),
      ['25:14 service "web".hysteresis: with a quorum of 2 it would never be lost; write less than 2'],
    ],
    [
      "what needs checks, without one",
      "inhibit = true\n",
      to("", ""),
      [
        '23:11 service "web".inhibit: warning: no server of the service is checked: none is ever down; write check = { type = "tcp" }, or remove it',
      ],
    ],
    [
      "words about scripts that are not there",
      'omega = true\nquorum_user = "nobody"\n',
      to("", ""),
      [
        '23:9 service "web".omega: there is nothing to run at a stop; write quorum_down too, or remove it',
        '24:15 service "web".quorum_user: there is nothing to run; write quorum_up or quorum_down too, or remove it',
      ],
    ],
    [
      "a weight too small to grow",
      'check = { type = "tcp" }\nslow_start = "30s"\n',
      to("", ""),
      [
        '24:14 service "web".slow_start: warning: a weight of 1 grows in steps that are too large to start slowly; multiply all weights of the service, such as by 100',
      ],
    ],
    [
      "a server relayed beside others in the kernel",
      "",
      to('8.8"', '8.8", forward = "proxy"'),
      [
        `22:48 service "web".servers[0].forward: the kernel forwards this service's connections, and relays none; write "dr", "nat" or "tunnel"`,
      ],
    ],
    [
      "what a relay does not know",
      'scheduler = "wlc"\nprotocol = "udp"\none_packet = true\n',
      to('"dr"', '"proxy"'),
      [
        '24:12 service "web".protocol: udp with forward = "proxy" is not built yet in this version; write forward = "dr", "nat" or "tunnel"',
        `25:14 service "web".one_packet: only the kernel's forwarding knows this; remove it, or let the kernel forward with "dr", "nat" or "tunnel"`,
      ],
    ],
  ])("%s", (_, lines, change, expected) => {
    expect(linesOf(service(lines, change))).toEqual([...expected]);
  });

  test("masks of the wrong family", () => {
    const v6 = web
      .replace('vips = ["public"]', 'addresses = ["2001:db8::100"]')
      .replace("172.16.8.8", "2001:db8::8");
    const persistent = 'persistence = "5m"\n';
    expect(linesOf(base + vip + `${v6 + persistent}persistence_mask = "255.255.255.0"\n`)).toEqual([
      '24:20 service "web".persistence_mask: that is a mask for IPv4, and the service has IPv6 addresses; write persistence_mask = 64, as a number of bits',
    ]);
    expect(linesOf(base + vip + `${web + persistent}persistence_mask = 64\n`)).toEqual([
      '24:20 service "web".persistence_mask: a prefix of 64 bits is for IPv6, and the service has IPv4 addresses; write persistence_mask = 24',
    ]);
  });
});
