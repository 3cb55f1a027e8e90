import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { FootingPlan } from "../../../src/config/footing-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

const daemon = "[sync_daemon]\n";
const nat = web.replace('"dr"', '"nat"');

function footing(text: string, node = "lb1"): FootingPlan {
  return planNode(configOf(base + vip + text), node, { cores: 1 }).director.footing;
}

/** Settings as `name=value`, without what is above it in the path. */
function settings(text: string): readonly string[] {
  return footing(text).settings.map(({ path, value }) => `${path.replace("net/ipv4/vs/", "")}=${value}`);
}

describe("[sync_daemon]", () => {
  test("takes everything from the cluster", () => {
    expect(footing(web + daemon).syncDaemon).toEqual({
      interface: "eth2",
      id: 191,
      group: "224.0.0.81",
      port: 8848,
      ttl: 1,
      maxLength: null,
    });
  });

  test("prefers an interface that the nodes share for heartbeats", () => {
    const text = base.replace('name = "shop"', 'name = "shop"\nheartbeats = ["eth1"]') + vip + web + daemon;
    expect(planNode(configOf(text), "lb2", { cores: 1 }).director.footing.syncDaemon?.interface).toBe("eth1");
  });

  test("says it all, for each node if need be", () => {
    const lines = [
      'interface = { lb1 = "eth1", lb2 = "eth2" }',
      "id = 0",
      'group = "ff02::81"',
      "port = 8849",
      "ttl = 2",
      "max_length = 1400",
    ];
    const text = `${web}${daemon}${lines.join("\n")}\n`;
    const all = { id: 0, group: "ff02::81", port: 8849, ttl: 2, maxLength: 1400 };
    expect(footing(text).syncDaemon).toEqual({ interface: "eth1", ...all });
    expect(footing(text, "lb2").syncDaemon).toEqual({ interface: "eth2", ...all });
  });

  test("is nothing to a node without services of the kernel's", () => {
    const relayed = web.replace('"dr"', '"proxy"');
    const { settings: held, ...others } = footing(relayed + daemon);
    expect(others).toEqual({ syncDaemon: null, masquerades: [] });
    expect(held).toEqual([{ path: "net/ipv4/tcp_migrate_req", value: "1", onlyFrom: "0" }]);
    expect(
      footing(web.replace('"dr"', '"proxy"').replace("[[service]]", '[[service]]\nprotocol = "udp"'))
        .settings,
    ).toEqual([]);
    expect(footing("")).toEqual({ syncDaemon: null, settings: [], masquerades: [] });
    expect(linesOf(base + vip + relayed + daemon)).toEqual([
      "23:1 sync_daemon: warning: no service is balanced by the kernel; remove it, or add a [[service]]",
    ]);
  });

  test.each([
    [
      'interface = "eth9"',
      '24:13 sync_daemon.interface: "eth9" is not among the interfaces of [[node]] "lb1"',
    ],
    [
      'interface = { lb1 = "eth1" }',
      '24:13 sync_daemon.interface: names no interface for "lb2"; add lb2 = "eth1"',
    ],
    ['interface = { lb1 = "eth1", lb2 = "eth1", lb3 = "eth1" }', 'there is no [[node]] named "lb3"'],
    ["id = 256", "24:6 sync_daemon.id: 256 is not between 0 and 255"],
    ['group = "192.0.2.1"', "24:9 sync_daemon.group: 192.0.2.1 is no multicast group"],
    ["max_length = 500", "24:14 sync_daemon.max_length: 500 is not between 1024 and 1472"],
    ['max_length = 1460\ngroup = "ff02::81"', "over IPv6 a message of more than 1452 bytes"],
    ["syncid = 1", "write id"],
    ["inst = 1", "every node tells and hears at the same time"],
  ])("refuses %s", (line, message) => {
    expect(linesOf(`${base}${vip}${web}${daemon}${line}\n`).join("\n")).toContain(message);
  });

  test("cannot be had with servers of the other family", () => {
    const mixed = web
      .replace('"dr"', '"tunnel"')
      .replace('["public"]', '["public"]\naddresses = ["2001:db8::100"]');
    expect(linesOf(base + vip + mixed + daemon)).toEqual([
      '23:11 service "web".servers: servers of another family than the service\'s IPv6 addresses cannot be had with ' +
        "the [sync_daemon] of line 24; write servers of that family, or remove the [sync_daemon]",
    ]);
    const sorry = `${web.replace('"dr"', '"tunnel"')}sorry = "[2001:db8::9]:80"\n`;
    expect(linesOf(base + vip + sorry + daemon)).toEqual([
      '23:9 service "web".sorry: a sorry server of another family than the service\'s IPv4 addresses cannot be had with ' +
        "the [sync_daemon] of line 24; write one of that family, or remove it or the [sync_daemon]",
    ]);
  });

  test("of a cluster with one node is told to be of no use", () => {
    const alone = base.replace(/\[\[node\]\]\nname = "lb2"\n.*\n/, "") + vip.replace(', "lb2"', "");
    expect(linesOf(alone + web + daemon).join()).toContain("the cluster has one node");
  });
});

describe("settings", () => {
  const check = 'check = { type = "tcp" }\n';

  test("are none where no service needs any", () => {
    expect(settings(web)).toEqual([]);
  });

  test("let connections to a server that was taken out end", () => {
    expect(settings(web + check)).toEqual(["expire_nodest_conn=1"]);
  });

  test("let clients with persistence leave a server without weight", () => {
    expect(settings(`${web}persistence = "50s"\n`)).toEqual(["expire_quiescent_template=1"]);
  });

  test("let a director take up connections that it would lead to the same server", () => {
    expect(settings(`${web}scheduler = "sh"\n`)).toEqual(["sloppy_tcp=1"]);
    expect(settings(`${web}scheduler = "mh"\nprotocol = "sctp"\n`)).toEqual(["sloppy_sctp=1"]);
    expect(settings(`${nat}scheduler = "sh"\n`)).not.toContain("sloppy_tcp=1");
    expect(settings(`${web}persistence = "50s"\n${daemon}`)).toEqual([
      "sync_threshold=3 0",
      "sync_refresh_period=3",
      "expire_quiescent_template=1",
      "sloppy_tcp=1",
    ]);
  });

  test("have the nodes tell of a connection every few seconds, unless somebody has another rhythm", () => {
    expect(settings(web + daemon)).toEqual(["sync_threshold=3 0", "sync_refresh_period=3"]);
    for (const own of ['sync_threshold = "3 20"', 'sync_refresh_period = "10"']) {
      expect(settings(`${web}${daemon}[ipvs]\nsysctls = { ${own} }\n`)).toEqual([
        own.replaceAll(/[" ]/g, "").replace("320", "3 20"),
      ]);
    }
  });

  test("let a node with translation forward what servers send back", () => {
    expect(settings(nat)).toEqual([
      "net/ipv4/conf/all/send_redirects=0",
      "net/ipv4/conf/eth1/send_redirects=0",
      "net/ipv4/conf/eth2/send_redirects=0",
      "net/ipv4/ip_forward=1",
    ]);
  });

  test("of IPv6 keep the router advertisements that a node has its own way out from", () => {
    const six = nat
      .replace('vips = ["public"]', 'addresses = ["2001:db8::100"]')
      .replace("172.16.8.8", "2001:db8::8");
    expect(footing(six).settings).toEqual([
      { path: "net/ipv6/conf/eth1/accept_ra", value: "2", onlyFrom: "1" },
      { path: "net/ipv6/conf/eth2/accept_ra", value: "2", onlyFrom: "1" },
      { path: "net/ipv6/conf/all/forwarding", value: "1", onlyFrom: null },
    ]);
  });

  test("of [ipvs] come in place of those derived", () => {
    const own =
      '[ipvs]\ntcp_timeout = "15m"\nsysctls = { expire_nodest_conn = 0, sync_threshold = "3  20" }\n';
    expect(settings(web + check + own)).toEqual([
      "ipvs/tcp=900",
      "expire_nodest_conn=0",
      "sync_threshold=3 20",
    ]);
  });

  test.each([
    ['tcp_timeout = "1500ms"', "is not in whole seconds"],
    ["sysctls = { sloppy = 1 }", "there is no setting net.ipv4.vs.sloppy"],
    ['sysctls = { sloppy_tcp = "on" }', '"on" is no value of a setting'],
    ["lvs_timeouts = 1", "write tcp_timeout, tcp_fin_timeout and udp_timeout"],
    ["tcpfin = 1", "write tcp_fin_timeout"],
  ])("refuses %s", (line, message) => {
    expect(linesOf(`${base}${vip}${web}[ipvs]\n${line}\n`).join("\n")).toContain(message);
  });
});

describe("snat", () => {
  const snat = 'snat = "servers"\n';
  const clients = 'snat = "clients"\n';

  test("masquerades the servers where the VIP is", () => {
    expect(footing(nat + snat).masquerades).toEqual([
      { kind: "server", server: "172.16.8.8", interface: "eth2" },
    ]);
  });

  test("masquerades the clients of each socket, and of a mark at each server", () => {
    const { masquerades, settings: held } = footing(nat + clients);
    expect(masquerades).toEqual([{ kind: "socket", protocol: "tcp", address: "172.16.8.100", port: 80 }]);
    expect(held).toContainEqual({ path: "net/ipv4/vs/conntrack", value: "1", onlyFrom: null });
    const marked = nat.replace(/vips = .*\nport = 80/, "fwmark = 7");
    expect(footing(marked + clients).masquerades).toEqual([{ kind: "mark", mark: 7, server: "172.16.8.8" }]);
    expect(settings(`${nat}${snat}`).join()).not.toContain("conntrack");
  });

  test.each([
    [web + snat, 'only with forward = "nat" is this node the gateway of the servers'],
    [
      web.replace('"dr"', '"proxy"') + snat,
      'only with forward = "nat" is this node the gateway of the servers',
    ],
    [nat.replace('vips = ["public"]', 'addresses = ["172.16.8.9"]') + snat, "and it has none"],
    [
      web + clients,
      'snat: with forward = "dr" servers answer the clients themselves, and have to see their addresses',
    ],
    [
      web.replace('"dr"', '"tunnel"') + clients,
      'with forward = "tunnel" servers answer the clients themselves',
    ],
    [
      nat.replace('"172.16.8.8"', '"172.16.8.8", forward = "dr"') + clients,
      'with forward = "dr" servers answer the clients themselves',
    ],
    [web.replace('"dr"', '"proxy"') + clients, "servers see this node's address already; remove it"],
    [
      `${nat}${clients}[ipvs]\nsysctls = { conntrack = 0 }\n`,
      "and line 25 says 0; remove conntrack there, or this",
    ],
  ])("refuses what cannot be: %#", (text, message) => {
    expect(linesOf(base + vip + text).join("\n")).toContain(message);
  });
});

test("a plan names all of it", () => {
  const text = `${base}${vip}${nat}snat = "servers"\n${daemon}[ipvs]\nudp_timeout = "5m"\n`;
  const lines = describePlan(planNode(configOf(text), "lb1", { cores: 1 })).split("\n");
  expect(lines).toContain("  in both directions on eth2, id 191, to 224.0.0.81:8848, TTL 1");
  expect(lines).toContain("  connections of 172.16.8.8 through eth2");
  expect(lines).toContain("  net.ipv4.ip_forward = 1");
  expect(lines).toContain("  IPVS keeps idle connections (udp) for 300s");
});

test.each(["lvs_sync_daemon", "lvs_timeouts", "lvs_flush_on_stop"])("keepalived's %s is answered", (word) => {
  const hint = /write \[sync_daemon\]|in \[ipvs\]|is removed on a stop/;
  expect(linesOf(`${word} = 1\n${base}${vip}${web}`).join("\n")).toMatch(hint);
  expect(linesOf(base.replace("name =", `${word} = 1\nname =`) + vip + web).join("\n")).toMatch(hint);
});
