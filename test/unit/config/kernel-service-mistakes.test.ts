import { describe, expect, test } from "bun:test";
import { base, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";
import { service, to } from "./kernel-service-texts.ts";

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
      "more ports than should be services of their own",
      "",
      to("port = 80", 'ports = ["1-1000"]'),
      [
        '20:9 service "web".ports: 1000 ports would be as many services in the kernel for each address; write fwmark = 1 too (or another number): then they are one',
      ],
    ],
    [
      "more ports than there may be",
      "",
      to("port = 80", 'ports = ["1-20000"]'),
      [
        '20:9 service "web".ports: 20000 ports are more than the 16384 that a service may cover; divide them among several services',
      ],
    ],
    [
      "ports with persistence of their own",
      'persistence = "5m"\n',
      to("port = 80", "ports = [80, 443]"),
      [
        '20:9 service "web".ports: warning: each port has its own persistence: a client may get another server at another port; write fwmark = 1 too (or another number), unless that is meant',
      ],
    ],
    [
      "a mark for addresses without ports",
      "fwmark = 1\n",
      to("port = 80\n", ""),
      ['17:1 service "web".port: is missing; write port = 80'],
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
      "a port to be translated with a mark and persistence",
      'fwmark = 1\npersistence = "5m"\n',
      (text) => text.replace('"dr"', '"nat"').replace('8.8"', '8.8", port = 8080'),
      [
        '22:45 service "web".servers[0].port: with a mark and persistence the kernel translates addresses, and no ports; leave it out, and let the server listen on the service\'s own ports',
      ],
    ],
    [
      "servers of a mark that differ by their ports, which nothing changes",
      "fwmark = 1\n",
      to('8.8"', '8.8", port = 80 }, { address = "172.16.8.8", port = 81'),
      [
        '22:51 service "web".servers[1]: 172.16.8.8 is already in the list; remove it here and give the other more weight',
      ],
    ],
    [
      "a server that is another one's at one of the ports",
      "",
      (text) =>
        text
          .replace('"dr"', '"nat"')
          .replace("port = 80", "ports = [80, 81]")
          .replace('8.8"', '8.8" }, { address = "172.16.8.8", port = 81'),
      [
        '22:40 service "web".servers[1]: 172.16.8.8:81 is already in the list; remove it here and give the other more weight',
      ],
    ],
    [
      "a sorry server of the other family",
      'sorry = "[2001:db8::9]:80"\n',
      to("", ""),
      [
        '23:9 service "web".sorry: the service has IPv4 addresses, and only a tunnel leads from there to an IPv6 server; write an IPv4 address',
      ],
    ],
    [
      "a sorry server that is none",
      'sorry = "224.0.0.9:80"\n',
      to("", ""),
      [
        '23:9 service "web".sorry: 224.0.0.9 is no address of a host; write an address at which packets reach it',
      ],
    ],
    [
      "a server that is nowhere",
      "",
      to("172.16.8.8", "0.0.0.0"),
      [
        '22:24 service "web".servers[0].address: 0.0.0.0 is no address of a host; write an address at which packets reach it',
      ],
    ],
    [
      "a server behind no interface in particular",
      "",
      (text) => text.replace('"dr"', '"tunnel"').replace("172.16.8.8", "fe80::8"),
      [
        '22:24 service "web".servers[0].address: fe80::8 is a link-local address, which does not say on which interface the server is; write an address at which packets reach it',
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
      'scheduler = "wlc"\nprotocol = "sctp"\npersistence_engine = "sip"\n',
      to('"dr"', '"proxy"'),
      [
        '24:12 service "web".protocol: a relay carries TCP and UDP, and no sctp; write forward = "dr", "nat" or "tunnel"',
        `25:22 service "web".persistence_engine: only the kernel's forwarding knows this; remove it, or let the kernel forward with "dr", "nat" or "tunnel"`,
      ],
    ],
    [
      "what a relay knows of UDP only",
      'one_packet = true\nidle_timeout = "10s"\n',
      to('"dr"', '"proxy"'),
      [
        '23:14 service "web".one_packet: only of UDP each packet can go its own way, and this is tcp; remove it, or write protocol = "udp"',
        '24:16 service "web".idle_timeout: connections end by themselves: only flows of UDP end by time, and this is tcp; remove it, or write protocol = "udp"',
      ],
    ],
    [
      "what a relay knows of TCP only",
      'protocol = "udp"\nconnect_timeout = "1s"\nproxy_protocol = "v2"\n',
      to('"dr"', '"proxy"'),
      [
        '24:19 service "web".connect_timeout: with UDP no server accepts anything that could be waited for; remove it',
        '25:18 service "web".proxy_protocol: a relay tells it at the beginning of a TCP connection, and datagrams have none; remove it',
      ],
    ],
    [
      "an idle time of one service in the kernel",
      'protocol = "udp"\nidle_timeout = "10s"\n',
      to("", ""),
      [
        '24:16 service "web".idle_timeout: the kernel keeps flows for as long as [ipvs] says, those of every service alike; write udp_timeout in [ipvs], or forward = "proxy"',
      ],
    ],
  ])("%s", (_, lines, change, expected) => {
    expect(linesOf(service(lines, change))).toEqual([...expected]);
  });

  test("a node to which another one routes directly, and not the only one", () => {
    const itself = web.replace("172.16.8.8", "172.16.8.11");
    expect(linesOf(base + vip + itself)).toEqual([
      '22:24 service "web".servers[0].address: warning: [[node]] "lb2" balances the service too: what another node sends it this way it may send back; write forward = "proxy", or servers that are no nodes',
    ]);
    expect(linesOf(base + vip + itself.replace('"dr"', '"proxy"'))).toEqual([]);
    const alone = base.replace(/\[\[node\]\]\nname = "lb1"\n.*\n/, "") + vip.replace('"lb1", ', "");
    expect(linesOf(alone + itself).join("\n")).not.toContain('service "web"');
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
