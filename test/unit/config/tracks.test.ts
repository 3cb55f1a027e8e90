import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { NodePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

const planOf = (text: string): NodePlan => planNode(configOf(base + vip + text), "lb1", { cores: 1 });
const lines = (text: string): readonly string[] => linesOf(base + vip + `[[track]]\n${text}\n`);

const numbered = (name: string, weight: number): string =>
  `[[track]]\nname = "${name}"\ninterface = "eth2"\nweight = ${weight}\n`;

const webWith = (more: string): string =>
  `[[service]]\nname = "web"\nvips = ["public"]\nport = 80\nforward = "dr"\nservers = [{ address = "10.0.0.1"${more} }]\n[[track]]\nservice = "web"\n`;

describe("[[track]]", () => {
  test("gives links and files to the plan, named after what they track", () => {
    const text = `[[track]]\ninterface = "eth1"\nup_delay = "5s"\n[[track]]\nfile = "/run/load"\nweight = -2\n`;
    expect(planOf(text).vrrp.tracks).toEqual([
      {
        kind: "interface",
        reverse: false,
        name: "eth1",
        interface: "eth1",
        upDelayMs: 5000,
        downDelayMs: 0,
        weight: 0,
      },
      { kind: "file", name: "load", path: "/run/load", weight: -2 },
    ]);
    expect(planOf(text).vrrp.instances[0]?.tracks).toEqual(["eth1", "load"]);
    const described = describePlan(planOf(text)).split("\n");
    expect(described).toContain("  eth1: interface eth1, up after 5s, down after 0ms");
    expect(described).toContain("  load: the number in /run/load");
    expect(described.join("\n")).toContain("withdrawn while eth1 fails; load times -2 added");
  });

  test("is refused without a subject and with two", () => {
    expect(linesOf(base + vip + "[[track]]\nweight = -10\n")).toEqual([
      "17:1 track[0]: tracks nothing; write exactly one of script, interface, file, process, gateway, service, upstream, bfd and route, and a [[track]] for each",
    ]);
    expect(linesOf(base + vip + '[[track]]\nscript = "/x"\nfile = "/y"\n')).toEqual([
      "19:8 track[0].file: script and file stand in one table; write exactly one of script, interface, file, process, gateway, service, upstream, bfd and route, and a [[track]] for each",
    ]);
  });

  test("is refused with a key of another subject", () => {
    expect(linesOf(base + vip + '[[track]]\ninterface = "eth1"\nrise = 2\n')).toEqual([
      "19:1 track[0].rise: means something with script or gateway only; remove it",
    ]);
  });

  test("is refused with a weight that is out of its subject's range", () => {
    expect(lines('file = "/f"\nweight = 254')).toEqual([]);
    expect(lines('file = "/f"\nweight = 255')).toEqual([
      "19:10 track[0].weight: 255 is not between -254 and 254; write weight = -1 to subtract the file's number",
    ]);
    expect(lines('interface = "eth1"\nweight = 10')).toEqual([
      '19:10 track[0].weight: 10 would raise "public" above 254, the highest priority; write a weight below 0, which counts while the track fails',
    ]);
    expect(lines('interface = "eth1"\nweight = -254')).toEqual([
      "19:10 track[0].weight: -254 is not between -253 and 253; write weight = -10 to lower the priority, or weight = 0 to withdraw the claim",
    ]);
    expect(lines('interface = "eth1"\nweight = -2')).toEqual([
      '19:10 track[0].weight: warning: -2 does not take "public" below its second node, which is 4 lower; write weight = -5 or lower, or weight = 0 to withdraw the claim',
    ]);
  });

  test("may raise a priority that has room above it, and is refused where the sum has none", () => {
    const router = `[[vrrp]]\nname = "gateway"\ninterface = "eth1"\nvrid = 7\npriority = { lb1 = 150, lb2 = 100 }\naddresses = ["10.16.8.1/24"]\n`;
    expect(linesOf(base + router + numbered("a", 60))).toEqual([]);
    expect(linesOf(base + router + numbered("a", 60) + numbered("b", 45))).toEqual([
      '21:10 track "a".weight: 105 would raise "gateway" above 254, the highest priority; write a weight below 0, which counts while the track fails',
      '25:10 track "b".weight: 105 would raise "gateway" above 254, the highest priority; write a weight below 0, which counts while the track fails',
    ]);
  });

  test("gives the servers of a service and an upstream that take traffic to the plan", () => {
    const check = 'check = { type = "tcp" }';
    const service = `[[service]]\nname = "mail"\nvips = ["public"]\nport = 25\nforward = "dr"\n${check}\nservers = [{ address = "10.0.0.1" }, { address = "10.0.0.2", weight = 0 }]\n`;
    const upstream = `[[upstream]]\nname = "apps"\n${check}\nservers = [{ address = "10.0.0.3:80" }, { address = "10.0.0.4:80", backup = true }]\n`;
    const text = `${service}${upstream}[[track]]\nservice = "mail"\nweight = -10\n[[track]]\nupstream = "apps"\nweight = -10\nreverse = true\n`;
    const plan = planOf(text);
    expect(plan.vrrp.tracks).toMatchObject([
      {
        kind: "servers",
        name: "mail",
        subject: "service mail",
        atLeast: 1,
        servers: [{ address: "10.0.0.1", port: 25, probe: "tcp 10.0.0.1:25 every 2s" }],
      },
      { subject: "upstream apps", servers: [{ address: "10.0.0.3", port: 80 }], reverse: true },
    ]);
    // No site leads to the upstream: it is checked for the track alone, and its backup is not.
    expect(plan.director.probes.map(({ id }) => id)).toEqual([
      "tcp 10.0.0.1:25 every 2s",
      "tcp 10.0.0.2:25 every 2s",
      "tcp 10.0.0.3:80 every 2s",
    ]);
    expect(describePlan(plan)).toContain(
      "mail: at least 1 of 1 healthy in service mail, up after 0ms, down after 0ms",
    );
    expect(describePlan(plan)).toContain("-10 while mail fails; -10 while apps is well");
  });

  test("of a service is refused where it can never fail or never succeed, and warned of where it can go dark", () => {
    const dark =
      "warning: a node that finds too few healthy servers gives its addresses up; if all nodes do, nobody answers; write weight = -10: then one node goes on answering, with a sorry server or an error page";
    const checked = ', check = { type = "tcp" }';
    expect(linesOf(base + vip + webWith(checked))).toEqual([`24:11 track[0].service: ${dark}`]);
    expect(linesOf(base + vip + webWith("") + "weight = -10\n")).toEqual([
      '24:11 track[0].service: nothing checks 1 of the servers of service "web", which always count as healthy; add a check to the [[service]], or remove the track',
    ]);
    expect(linesOf(base + vip + webWith(checked) + "weight = -10\nat_least = 2\n")).toEqual([
      '26:12 track[0].at_least: service "web" has 1 that count (neither weight = 0 nor drained nor a backup), so 2 are never healthy; write at_least = 1, or add servers',
    ]);
    expect(linesOf(base + vip + '[[track]]\nservice = "wep"\nweight = -10\n')).toEqual([
      '18:11 track[0].service: there is no [[service]] named "wep"; add a [[service]] with this name',
    ]);
  });

  test("of a gateway takes an interface as a detail", () => {
    const text = `[[track]]\ngateway = "10.16.8.1"\ninterface = "eth1"\nmethod = "ping"\nweight = -10\n`;
    expect(planOf(text).vrrp.tracks).toEqual([
      {
        kind: "gateway",
        name: "10.16.8.1",
        weight: -10,
        reverse: false,
        address: "10.16.8.1",
        method: "ping",
        interface: "eth1",
        intervalMs: 1000,
        timeoutMs: 1000,
        rise: 2,
        fall: 3,
      },
    ]);
    expect(describePlan(planOf(text))).toContain(
      "10.16.8.1: 10.16.8.1 answers to ping on eth1, every 1s, timeout 1s, rise 2, fall 3",
    );
  });

  test("of a gateway is refused where no answer can come", () => {
    expect(lines('gateway = "172.16.8.100"')).toEqual([
      '18:11 track[0].gateway: 172.16.8.100 is an address of "public", which nodes hold themselves; write the address of a router beyond these nodes',
    ]);
    expect(lines('gateway = "172.16.8.11"')).toEqual([
      '18:11 track[0].gateway: warning: 172.16.8.11 is an address of [[node]] "lb2", which cannot ask itself; write the address of a router beyond these nodes',
    ]);
    expect(lines('gateway = "fe80::1"')).toEqual([
      '18:11 track[0].gateway: fe80::1 can be on any link; write interface = "eth1" beside it',
    ]);
    expect(lines('gateway = "10.16.8.1"\ntimeout = "2s"')).toEqual([
      '19:11 track[0].timeout: 2s is longer than the interval of 1s; write timeout = "1s" or less',
    ]);
  });

  test("of a process takes its arguments as one text or as words", () => {
    const text = `[[track]]\nprocess = "/usr/sbin/haproxy"\narguments = "-f /etc/haproxy.cfg"\nat_least = 2\nweight = -10\n`;
    expect(planOf(text).vrrp.tracks).toMatchObject([
      { kind: "process", name: "haproxy", arguments: ["-f", "/etc/haproxy.cfg"], atLeast: 2 },
    ]);
    expect(describePlan(planOf(text))).toContain(
      "haproxy: at least 2 of process /usr/sbin/haproxy -f /etc/haproxy.cfg, up after 0ms, down after 0ms",
    );
  });

  test("of a script takes a jitter that is no longer than the interval", () => {
    const text = `[[track]]\nscript = "/bin/true"\ninterval = "2s"\njitter = "500ms"\nweight = -10\n`;
    expect(planOf(text).vrrp.tracks).toMatchObject([{ kind: "script", intervalMs: 2000, jitterMs: 500 }]);
    expect(describePlan(planOf(text))).toContain("every 2s, timeout 2s, rise 1, fall 1, jitter 500ms");
    expect(lines('script = "/bin/true"\njitter = "2s"')).toEqual([
      '19:10 track[0].jitter: 2s is longer than the interval of 1s; write jitter = "1s" or less',
    ]);
    expect(lines('gateway = "10.16.8.1"\njitter = "1s"')).toEqual([
      "19:1 track[0].jitter: means something with script only; remove it",
    ]);
  });

  test("of a route takes a table, a router and an interface as details", () => {
    const text = `[[track]]\nroute = "198.51.100.0/24"\ntable = 100\nvia = "10.16.8.1"\ninterface = "eth1"\ndown_delay = "1s"\nweight = -10\n`;
    expect(planOf(text).vrrp.tracks).toEqual([
      {
        kind: "route",
        name: "198.51.100.0/24",
        weight: -10,
        reverse: false,
        destination: { address: "198.51.100.0", length: 24 },
        table: 100,
        via: "10.16.8.1",
        interface: "eth1",
        upDelayMs: 0,
        downDelayMs: 1000,
      },
    ]);
    expect(describePlan(planOf(text))).toContain(
      "198.51.100.0/24: route 198.51.100.0/24 via 10.16.8.1 dev eth1 table 100, up after 0ms, down after 1s",
    );
    const byDefault = planOf('[[track]]\nname = "out"\nroute = "default"\n').vrrp.tracks;
    expect(byDefault).toMatchObject([{ destination: { address: "0.0.0.0", length: 0 }, table: 254 }]);
    const over6 = planOf('[[track]]\nroute = "default"\nvia = "fe80::1"\n').vrrp.tracks;
    expect(over6).toMatchObject([{ name: "default", destination: { address: "::", length: 0 } }]);
    expect(lines('route = "::/0"\nvia = "fe80::1"')).toEqual([]);
    expect(lines('route = "192.0.2.7/32"\nvia = "fe80::1"')).toEqual([]);
  });

  test("of a route is refused where no table can have it", () => {
    expect(lines('route = "192.0.2.7/24"')).toEqual([
      '18:9 track[0].route: 192.0.2.7/24 is an address in a network, and no route leads to it; write route = "192.0.2.0/24", or "192.0.2.7/32"',
    ]);
    expect(lines('route = "2001:db8::/32"\nvia = "192.0.2.1"')).toEqual([
      '19:7 track[0].via: 192.0.2.1 is an IPv4 address, and 2001:db8::/32 a route of IPv6; write the router\'s IPv6 address, as in via = "fe80::1"',
    ]);
    expect(lines('route = "nowhere"')[0]).toBe(
      '18:9 track[0].route: must be "default", or a network in quotes, not "nowhere"; write route = "198.51.100.0/24"',
    );
    expect(lines('route = "default"\ntable = 0')).toEqual([
      '19:9 track[0].table: 0 is no routing table; write table = 100, or table = "uplink" as in /etc/iproute2/rt_tables',
    ]);
    const held = `${vip}routes = [{ destination = "default", via = "172.16.8.1" }]\n`;
    expect(linesOf(`${base}${held}[[track]]\nroute = "default"\n`)).toEqual([
      '19:9 track[0].route: "public" adds this route itself once it is active, and would never become so; track another route, or narrow vips',
    ]);
    expect(lines('interface = "eth1"\ntable = 100')).toEqual([
      "19:1 track[0].table: means something with route only; remove it",
    ]);
  });
});
