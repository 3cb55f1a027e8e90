import { describe, expect, test } from "bun:test";
import type { DirectorPlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

const text = (check: string, service = web): string => `${base}${vip}${service}check = { ${check} }\n`;

function directorOf(check: string, service = web): DirectorPlan {
  return planNode(configOf(text(check, service)), "lb1", { cores: 2 }).director;
}

function faults(check: string, service = web): readonly string[] {
  return linesOf(text(check, service)).map((line) => line.replace(/^\d+:\d+ service "web"\./, ""));
}

describe('via = "vip"', () => {
  test("asks each VIP of the service by way of each server, with a mark for each VIP", () => {
    const two = web.replace(/(vips = .*)/, '$1\naddresses = ["172.16.8.200"]');
    const { probes, detours, services } = directorOf('type = "tcp", via = "vip"', two);
    expect(probes.map(({ id }) => id)).toEqual([
      "tcp 172.16.8.8:80 for 172.16.8.100 every 2s",
      "tcp 172.16.8.8:80 for 172.16.8.200 every 2s",
    ]);
    expect(services.map(({ servers }) => servers[0]?.probe ?? "")).toEqual(probes.map(({ id }) => id));
    expect(detours.map(({ vip: address, servers }) => [address, servers])).toEqual([
      ["172.16.8.100", ["172.16.8.8"]],
      ["172.16.8.200", ["172.16.8.8"]],
    ]);
    expect(probes.map(({ mark }) => mark)).toEqual(detours.map(({ mark }) => mark));
    expect(new Set(detours.map(({ mark }) => mark)).size).toBe(2);
    expect(directorOf('type = "tcp"').detours).toEqual([]);
  });

  test("asks all of them where one mark stands for several", () => {
    const marked = web.replace(/(vips = .*)/, '$1\naddresses = ["172.16.8.200"]\nfwmark = 7');
    const { probeSets, services } = directorOf('type = "tcp", via = "vip"', marked);
    expect(services).toHaveLength(1);
    expect(services[0]?.servers[0]?.probe).toBe(
      "tcp 172.16.8.8:80 for 172.16.8.100 every 2s and tcp 172.16.8.8:80 for 172.16.8.200 every 2s",
    );
    expect(probeSets).toHaveLength(1);
  });

  const remove = "remove it: the server's own address is checked then";

  test.each([
    [
      "nat",
      `check.via: with forward = "nat" clients' packets come to the server's own address too; ${remove}`,
    ],
    [
      "proxy",
      `check.via: with forward = "proxy" clients' packets come to the server's own address too; ${remove}`,
    ],
    [
      "tunnel",
      `check.via: a check cannot go through a tunnel: the kernel packs clients' packets alone; ${remove}`,
    ],
  ])("is for direct routing, not for %s", (forward, fault) => {
    const service = web.replace('forward = "dr"', `forward = "${forward}"`);
    expect(faults('type = "tcp", via = "vip"', service)).toEqual([fault]);
  });

  test.each([
    [
      'type = "file", path = "/run/web", via = "vip"',
      'check.via: type = "file" says nothing about a VIP; write type = "tcp", "http", "https", "smtp", "grpc", "dns", "udp" or "ping", or remove it',
    ],
    [
      'type = "tcp", via = "vip", connect_address = "172.16.8.9"',
      "check.via: connect_address says where to go already; remove one of the two",
    ],
    [
      'type = "tcp", via = "vip", fwmark = 3',
      "check.via: its packets carry a mark of their own, not fwmark; remove one of the two",
    ],
    [
      'type = "tcp", via = "vip", timeout = "90s", interval = "100s"',
      'check.timeout: answers are not waited for so long with via; write "60s" or less',
    ],
  ])("{ %s } is refused", (check, fault) => {
    expect(faults(check)).toEqual([fault]);
  });

  test("is not for upstreams and not for a server's own check", () => {
    const upstream = `${base}${vip}[[upstream]]\nname = "apps"\nservers = [{ address = "192.0.2.8:80" }]\n`;
    expect(linesOf(`${upstream}check = { type = "tcp", via = "vip" }\n`).join("\n")).toContain(
      'upstream "apps".check.via: clients of an upstream do not come by a VIP',
    );
    const agent = 'agent = { address = ":8081" }\nhealth = { type = "tcp", port = 80, via = "vip" }\n';
    expect(linesOf(`${base}${vip}[real_server]\n${agent}`).join("\n")).toContain(
      "health.via: a server asks its own VIPs anyway; remove it",
    );
  });
});
