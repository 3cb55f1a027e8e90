import { describe, expect, test } from "bun:test";
import type { Config } from "../../../src/config/config.ts";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { priorityGap } from "../../../src/config/members.ts";
import { type NodePlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import { findNode, planNode, type HostIdentity } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { site, vip2, web } from "./fixtures.ts";

const planOf = (text: string, node = "lb1"): NodePlan => planNode(configOf(text), node, { cores: 2 });
const derived = (name: string, address: string): string =>
  `[[vip]]\nname = "${name}"\naddress = "${address}/24"\nprefer = ["lb1", "lb2"]\n`;

const vrids = (text: string): readonly number[] => configOf(text).instances.map(({ vrid }) => vrid);
const needs = (text: string): unknown => planOf(text).vrrp.instances.map(({ needsProxy }) => needsProxy);
const tracksOf = (text: string): unknown => planOf(text).vrrp.instances.map(({ tracks }) => tracks);
const listener = (address: string): string => site.replace('":8080"', address);

describe("priorities of a list of preference", () => {
  test("are four apart for two and three nodes, closer for more, so that -10 takes the first behind the last", () => {
    expect([2, 3, 4, 5, 10].map(priorityGap)).toEqual([4, 4, 3, 2, 1]);
    for (const nodes of [2, 3, 4, 5, 10]) expect(priorityGap(nodes) * (nodes - 1)).toBeLessThan(10);
  });

  test("start at 254 and stay above 0 for as many nodes as there may be", () => {
    const names = Array.from({ length: 64 }, (_, index) => `n${index}`);
    const nodes = names.map(
      (name, index) => `[[node]]\nname = "${name}"\naddress = { eth0 = "10.0.0.${index + 1}" }\n`,
    );
    const text = `[cluster]\nname = "c"\n${nodes.join("")}[[vip]]\nname = "v"\naddress = "10.0.0.200/24"\nprefer = ${JSON.stringify(names)}\n`;
    const priorities = configOf(text).instances[0]?.members.map(({ priority }) => priority) ?? [];
    expect([priorities[0], priorities[1], priorities.at(-1)]).toEqual([254, 253, 191]);
    expect(new Set(priorities).size).toBe(64);
  });
});

describe("VRIDs that the file leaves out", () => {
  test("are the last octet of the address", () => {
    expect(vrids(base + derived("a", "10.16.8.100") + derived("b", "172.16.8.100"))).toEqual([100, 100]);
  });

  test("are the next free one when it is taken, also by a table further down", () => {
    const taken = [100, 101].map((vrid) =>
      vip
        .replace("public", `v${vrid}`)
        .replace("191", String(vrid))
        .replace("8.100", `8.${vrid - 50}`),
    );
    expect(vrids(base + derived("a", "172.16.8.100") + taken.join(""))).toEqual([102, 100, 101]);
  });

  test("go round from 255 to 1", () => {
    const wide = `[[vip]]\nname = "w"\naddress = "172.16.8.255/16"\nprefer = ["lb1", "lb2"]\n`;
    const zero = wide.replace('"w"', '"z"').replace("8.255", "9.0");
    expect(vrids(base + vip.replace("191", "255") + wide + zero)).toEqual([255, 1, 2]);
  });
});

describe("planNode", () => {
  test("leaves out what only other nodes do", () => {
    const third = `[[node]]\nname = "lb3"\naddress = { eth1 = "10.16.8.12", eth2 = "172.16.8.12" }\n`;
    const narrow = site.replace('address = ":8080"', 'address = ":8080"\nvips = ["public"]');
    const group = `[[sync_group]]\nname = "g"\nvips = ["public", "inside"]\n`;
    const track = `[[track]]\nscript = "/bin/true"\n`;
    const text = base + third + vip + vip2 + web + narrow + group + track;
    expect(planOf(text, "lb1").director.services).toHaveLength(1);
    expect(planOf(text, "lb1").proxy.listeners[0]?.sockets).toEqual([
      { address: "172.16.8.100", port: 8080 },
    ]);
    const idle = planOf(text, "lb3");
    expect(idle.vrrp).toEqual({
      instances: [],
      syncGroups: [],
      drainTimeoutMs: 2000,
      tracks: [],
      bfd: [],
      notify: null,
    });
    expect(idle.director).toEqual(noDirectorPlan);
    expect(idle.proxy).toEqual({
      workers: 0,
      user: "nobody",
      mostConnections: null,
      mostFlows: 16_384,
      drainMs: 3_600_000,
      cacheBytes: 64 * 1024 ** 2,
      via: "edge-ha-shop-lb3",
      listeners: [],
      relays: [],
      upstreams: [],
      sites: [],
    });
  });

  test("makes one probe of equal checks and two of different ones", () => {
    const check = 'check = { type = "tcp", interval = "1s" }\n';
    const checked = web.replace("servers =", `${check}servers =`);
    const second = checked.replace('"web"', '"web2"').replace("port = 80", "port = 81");
    const text =
      base +
      vip +
      checked +
      second.replace("172.16.8.8", "172.16.8.9") +
      site.replace("[[site]]", `${check}[[site]]`);
    expect(planOf(text).director.probes.map(({ id }) => id)).toEqual([
      "tcp 172.16.8.8:80 every 1s",
      "tcp 172.16.8.9:81 every 1s",
    ]);
    const slower = text.replace(/interval = "1s"(?![^]*interval)/, 'interval = "2s"');
    expect(planOf(slower).director.probes).toHaveLength(3);
  });

  test("lets a server's own check and port take the place of the common ones", () => {
    const own =
      'servers = [{ address = "172.16.8.8", check = { type = "http", port = 8081, method = "HEAD", host = "a.example", status = [204, "301-302"] } }]';
    const text =
      base +
      vip +
      web.replace(/servers = .*/, own).replace("port = 80\n", 'port = 80\ncheck = { type = "tcp" }\n');
    expect(planOf(text).director.probes).toEqual([
      {
        kind: "http",
        id: "http 172.16.8.8:8081 HEAD / host a.example status 204,301-302 every 2s",
        vip: null,
        target: { address: "172.16.8.8", port: 8081 },
        intervalMs: 2000,
        fastIntervalMs: null,
        jitterMs: null,
        timeoutMs: 1000,
        retries: 1,
        retryDelayMs: 1000,
        rise: 1,
        fall: 1,
        source: null,
        mark: null,
        proxyProtocol: null,
        tls: null,
        method: "HEAD",
        path: "/",
        host: "a.example",
        version: "1.1",
        headers: [],
        body: null,
        status: [
          { from: 204, to: 204 },
          { from: 301, to: 302 },
        ],
      },
    ]);
  });

  test("relays a proxied service on every address of its VIPs and on its own", () => {
    const text =
      `${base}${vip}addresses = ["172.16.8.101/24"]\n${web.replace('"dr"', '"proxy"')}addresses = ["10.16.8.10"]\nsorry = "127.0.0.1:81"\nconnect_timeout = "2s"\nscheduler = "mh"\nscheduler_flags = ["port"]\npersistence = "5m"\npersistence_mask = 24\n`.replace(
        '8.8"',
        '8.8", upper_threshold = 100, lower_threshold = 50',
      );
    expect(planOf(text).proxy.relays).toEqual([
      {
        name: "web",
        udp: null,
        sockets: ["172.16.8.100", "172.16.8.101", "10.16.8.10"].map((address) => ({ address, port: 80 })),
        scheduler: "mh",
        schedulerFlags: ["port"],
        persistenceS: 300,
        persistencePrefix: { ipv4: 24, ipv6: 24 },
        connectTimeoutMs: 2000,
        proxyProtocol: null,
        sorry: { address: "127.0.0.1", port: 81 },
        startsDown: false,
        servers: [
          {
            address: "172.16.8.8",
            port: 80,
            weight: 1,
            probe: null,
            upperThreshold: 100,
            lowerThreshold: 50,
          },
        ],
      },
    ]);
    expect(planOf(text).director.services).toEqual([]);
  });

  test("relays UDP with the kernel's idle time, that of [ipvs] or the service's own", () => {
    const udp =
      base + vip + web.replace('"dr"', '"proxy"').replace("port = 80", 'port = 53\nprotocol = "udp"');
    const flows = (text: string): unknown => planOf(text).proxy.relays.map((relay) => relay.udp);
    expect(flows(udp)).toEqual([{ idleTimeoutMs: 300_000, isOnePacket: false }]);
    expect(flows(`${udp}idle_timeout = "10s"\none_packet = true\n`)).toEqual([
      { idleTimeoutMs: 10_000, isOnePacket: true },
    ]);
    const more = `${udp}[ipvs]\nudp_timeout = "30s"\n`.replace("[proxy]", "[proxy]\nudp_flows = 99");
    expect(flows(more)).toEqual([{ idleTimeoutMs: 30_000, isOnePacket: false }]);
    expect(planOf(more).proxy.mostFlows).toBe(99);
    expect(describePlan(planOf(udp))).toContain("udp 172.16.8.100:53  relay web");
    expect(describePlan(planOf(udp))).toContain("web: wrr, flows end after 5m without a datagram");
  });

  test("makes a claim need the proxy only where the proxy answers on its address", () => {
    const both = base + vip + vip2;
    expect(needs(both)).toEqual([false, false]);
    expect(needs(both + site)).toEqual([true, true]);
    expect(needs(both + listener('":8080"\nvips = ["inside"]'))).toEqual([false, true]);
    expect(needs(both + listener('"172.16.8.100:8080"'))).toEqual([true, false]);
    expect(needs(both + web)).toEqual([false, false]);
    expect(needs(both + web.replace('"dr"', '"proxy"'))).toEqual([true, false]);
  });

  test("narrows tracks from both sides", () => {
    const tracks = `[[track]]\nname = "all"\nscript = "/bin/a"\n[[track]]\nscript = "/bin/b"\nvips = ["public"]\n`;
    expect(tracksOf(base + vip + vip2 + tracks)).toEqual([["all", "b"], ["all"]]);
    expect(tracksOf(`${base}${vip}track = ["b"]\n${vip2}${tracks}`)).toEqual([["b"], ["all"]]);
  });

  test("takes what a spelled-out router says", () => {
    const text = `${base}[[vrrp]]
name = "foreign"
nodes = ["lb2"]
interface = { lb2 = "eth1" }
vrid = 7
version = 3
advert_interval = "20ms"
priority = 120
addresses = ["10.16.8.200", "10.16.8.201/24"]
group = "224.0.0.19"
source = "10.16.8.11"
checksum = "message-only"
down_after = 5
preempt = false
startup_delay = "30s"
label = "eth1:vip"
garp = { burst = 3, repeat_delay = "1s", refresh = "60s", refresh_count = 2, interval = "5ms" }
`;
    const on = { interface: "eth1", label: "eth1:vip", detectsDuplicates: false, scope: "global" } as const;
    expect(planOf(text, "lb1").vrrp.instances).toEqual([]);
    expect(planOf(text, "lb2").vrrp.instances).toEqual([
      {
        name: "foreign",
        interface: "eth1",
        family: 4,
        virtualMac: null,
        version: 3,
        vrid: 7,
        priority: 120,
        advertIntervalMs: 20,
        downAfter: 5,
        preempts: false,
        preemptDelayMs: 0,
        startupDelayMs: 30_000,
        skipsAddressCheck: false,
        accepts: true,
        isStrict: false,
        addresses: [
          { address: "10.16.8.200", length: 32, ...on },
          { address: "10.16.8.201", length: 24, ...on },
        ],
        extraAddresses: [],
        routes: [],
        rules: [],
        group: "224.0.0.19",
        unicast: null,
        peers: [],
        heartbeats: [],
        source: "10.16.8.11",
        password: null,
        hmac: null,
        checksum: "message-only",
        garp: { burst: 3, repeatDelayMs: 1000, refreshMs: 60_000, refreshCount: 2, intervalMs: 5 },
        tracks: [],
        notify: null,
        needsProxy: false,
        neighbours: [],
        rivals: [],
      },
    ]);
  });

  test("names the other members, so that a router that is heard has a name", () => {
    expect(planOf(base + vip, "lb2").vrrp.instances[0]?.neighbours).toEqual([
      { node: "lb1", priority: 254, address: "172.16.8.10" },
    ]);
  });

  test("lets the owner of an address have priority 255", () => {
    const owner = `[[vrrp]]\nname = "own"\ninterface = "eth1"\nvrid = 7\npriority = { lb1 = 255, lb2 = 100 }\naddresses = ["10.16.8.10/24"]\n`;
    expect(linesOf(base + owner)).toEqual([]);
    expect(linesOf(base + owner.replace("lb1 = 255, lb2 = 100", "lb1 = 100, lb2 = 255"))).toHaveLength(2);
  });

  test("inherits authentication from the cluster unless a router has its own", () => {
    const shared = base.replace(
      "vrrp_version = 2",
      'vrrp_version = 2\nauth = { type = "pass", password = "common" }',
    );
    const text = `${shared}${vip}${vip2}auth = { type = "none" }\n`;
    expect(planOf(text).vrrp.instances.map(({ password }) => password)).toEqual(["common", null]);
  });

  test("is frozen all the way down, and so is the configuration", () => {
    const config = configOf(base + vip + web + site);
    expect(isDeeplyFrozen(config)).toBe(true);
    expect(isDeeplyFrozen(planNode(config, "lb1", { cores: 1 }))).toBe(true);
  });
});

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

const pair: Config = configOf(base);

function reason(identity: HostIdentity): unknown {
  const found = findNode(pair, identity);
  return found.node === null ? found.reason : found;
}

describe("findNode", () => {
  const host = { name: null, hostName: "web7", localAddresses: [] as readonly string[] };

  test("goes by --node first, then by host name, then by address", () => {
    const all = { name: "lb2", hostName: "lb1", localAddresses: ["10.16.8.10"] };
    expect(findNode(pair, all)).toEqual({ node: "lb2", by: "--node" });
    expect(findNode(pair, { ...all, name: null, localAddresses: ["10.16.8.11"] })).toEqual({
      node: "lb1",
      by: "host name",
    });
    expect(findNode(pair, { ...host, hostName: "lb2.example.org" })).toEqual({
      node: "lb2",
      by: "host name",
    });
    expect(findNode(pair, { ...host, localAddresses: ["127.0.0.1", "172.16.8.11"] })).toEqual({
      node: "lb2",
      by: "address",
    });
  });

  test("says why a host is no node", () => {
    expect(reason({ ...host, name: "lb12" })).toBe(
      'there is no [[node]] named "lb12"; use one of "lb1", "lb2", or add it as a [[node]]',
    );
    expect(reason(host)).toBe(
      'neither the host name "web7" nor an address of this host is a node\'s; say which node it is with --node ("lb1", "lb2"), or add it as a [[node]]',
    );
    expect(reason({ ...host, localAddresses: ["10.16.8.10", "10.16.8.11"] })).toBe(
      'this host carries addresses of several nodes: "lb1", "lb2"; say which one it is with --node',
    );
  });
});
