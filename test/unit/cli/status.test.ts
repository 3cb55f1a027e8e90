import { expect, test } from "bun:test";
import { noFootingStatus } from "../../../src/ipc/footing-status.ts";
import { describeStatus } from "../../../src/cli/status.ts";
import type { NodeStatus, ServerStatus, ServiceStatus, TrafficStatus } from "../../../src/ipc/status.ts";

const since = "2026-11-21T04:00:00.000Z";
const traffic: TrafficStatus = {
  connections: 4711,
  inPackets: 123_456,
  outPackets: 0,
  inBytes: 98_765_432_109,
  outBytes: 99_999,
  connectionsPerS: 12,
  inPacketsPerS: 240,
  outPacketsPerS: 0,
  inBytesPerS: 1_500_000,
  outBytesPerS: 0,
};
const server: ServerStatus = {
  address: "10.16.8.8",
  port: 80,
  isInTable: true,
  forward: "dr",
  weight: 0,
  isUp: false,
  drain: null,
  cutConnections: 0,
  upperThreshold: 0,
  lowerThreshold: 0,
  activeConnections: 7,
  inactiveConnections: 2,
  persistentConnections: 0,
  traffic,
};
const status: NodeStatus = {
  cluster: "shop",
  node: "lb1",
  version: "0.1.0",
  pid: 100,
  startedAt: since,
  isUp: true,
  config: { path: "/etc/edge-ha/edge-ha.toml", loadedAt: since, lastErrors: [] },
  bfd: { sessions: [], strays: {} },
  instances: [
    {
      name: "public-1",
      interface: "eth2",
      family: 4,
      virtualMac: null,
      version: 3,
      vrid: 191,
      state: "backup",
      since,
      reason: "172.16.8.11 has priority 250, ours is 244",
      priority: 244,
      basePriority: 254,
      claims: ["check-uplink fails: −10"],
      addresses: ["172.16.8.100/24"],
      peer: { address: "172.16.8.11", priority: 250 },
      handedOverAt: null,
      duplicates: [],
      paths: [
        {
          interface: "eth2",
          transport: "multicast",
          problem: null,
          flood: { isOn: true, dropped: 123_456 },
          heard: [{ router: "lb2", address: "172.16.8.11", at: since, isSilent: true }],
        },
        {
          interface: "eth1",
          transport: "multicast",
          problem: null,
          flood: { isOn: false, dropped: null },
          heard: [{ router: "lb2", address: "10.16.8.11", at: since, isSilent: false }],
        },
        {
          interface: "eth3",
          transport: "unicast",
          problem: "interface eth3 is down",
          flood: null,
          heard: [],
        },
      ],
      splitBrain: null,
      counters: { sent: 3 },
    },
  ],
  probes: [
    {
      id: "http 10.16.8.8:80",
      target: { address: "10.16.8.8", port: 80 },
      isUp: false,
      since,
      lastResult: "status 500",
      weight: null,
    },
  ],
  proxied: [],
  names: [
    {
      name: "app.example",
      upstream: "apps",
      servers: ["10.16.8.1", "10.16.8.2", "10.16.8.3", "10.16.8.4", "10.16.8.5"],
      isKnown: true,
      leftOut: 2,
      ttlS: 30,
      complaint: null,
    },
    {
      name: "old.example",
      upstream: "apps",
      servers: ["10.16.8.9"],
      isKnown: true,
      leftOut: 0,
      ttlS: 0,
      complaint: "SERVFAIL (127.0.0.1:53)",
    },
    {
      name: "new.example",
      upstream: "apps",
      servers: [],
      isKnown: false,
      leftOut: 0,
      ttlS: null,
      complaint: null,
    },
  ],
  services: [
    {
      name: "web",
      isForeign: false,
      protocol: "tcp",
      address: "172.16.8.100",
      port: 80,
      mark: null,
      marked: [],
      scheduler: "wrr",
      schedulerFlags: [],
      isOnePacket: false,
      persistence: { timeoutS: 0, prefix: 32, engine: null },
      usesSorry: true,
      hasQuorum: false,
      traffic,
      servers: [server],
      sorry: { ...server, address: "10.16.8.9", weight: 1, isUp: null },
    },
  ],
  footing: noFootingStatus,
  proxies: [{ pid: 103, connections: 4, requests: 9, responses: { "2xx": 9 }, residentBytes: 1, disks: [] }],
  processes: [
    { role: "vrrp", pid: 101, startedAt: since, restarts: 2 },
    { role: "proxy 0", pid: 103, startedAt: since, restarts: 0 },
  ],
};

test("describeStatus() says who holds an address, since when, and why", () => {
  const text = describeStatus(status, false);
  expect(text).toContain("public-1  backup  172.16.8.100/24");
  expect(text).toContain("priority 244 (254 before tracks)");
  expect(text).toContain(`since ${since}: 172.16.8.11 has priority 250, ours is 244`);
  expect(text).toContain("active is 172.16.8.11 with priority 250");
  expect(text).toContain("check-uplink fails: −10");
});

test("describeStatus() shows what floods there were", () => {
  const lines = describeStatus(status, false)
    .split("\n")
    .filter((line) => line.includes("flood"));
  expect(lines).toEqual([
    "  flood of VRRP packets on eth2, under way: 123456 packets dropped unread",
    "  flood of VRRP packets on eth1, over: an unknown number of packets dropped unread",
  ]);
});

test("describeStatus() shows each path with who was heard there last", () => {
  const text = describeStatus(status, false);
  expect(text).toContain(
    `  path eth2, multicast: lb2 (172.16.8.11) heard last ${since}, silent since, though not elsewhere\n`,
  );
  expect(text).toContain(`  path eth1, multicast: lb2 (10.16.8.11) heard last ${since}\n`);
  expect(text).toContain("  path eth3, unicast: interface eth3 is down");
});

test("describeStatus() shows services with their servers, checks and processes", () => {
  const text = describeStatus(status, false);
  expect(text).toMatch(/web +172\.16\.8\.100:80 +wrr +sorry server/);
  expect(text).toMatch(/10\.16\.8\.8:80 +dr +0 +down +7 +2\n/);
  expect(text).toMatch(/10\.16\.8\.9:80 +dr +1 +sorry server +7 +2\n/);
  expect(text).toMatch(/10\.16\.8\.8:80 +4711 +123k +0 +98\.8G +99999 +12 +240 +0 +1\.5M +0\n/);
  expect(text).toMatch(/http 10\.16\.8\.8:80 +down +\S+ +status 500/);
  expect(text).toMatch(/vrrp +101 +2 /);
  expect(text).toMatch(/proxy 0 +103 +0 +\S+ +4 connections, 9 requests/);
});

test("describeStatus() shows persistence, limits and flags where there are any, and marks foreign services", () => {
  const [web] = status.services;
  const sticky = {
    ...(web ?? { servers: [] }),
    name: "fwmark 7 (IPv4)",
    isForeign: true,
    protocol: null,
    address: null,
    port: null,
    mark: 7,
    scheduler: "mh",
    schedulerFlags: ["fallback"],
    isOnePacket: true,
    persistence: { timeoutS: 300, prefix: 24, engine: "sip" },
    usesSorry: false,
    servers: [{ ...server, isUp: null, persistentConnections: 5, lowerThreshold: 50, upperThreshold: 100 }],
    sorry: null,
  } as ServiceStatus;
  const text = describeStatus({ ...status, services: [sticky] }, false);
  expect(text).toMatch(
    /fwmark 7 \(IPv4\) +fwmark 7 +mh,fallback one packet persistent 300s\/24 sip +foreign/,
  );
  expect(text).toMatch(/10\.16\.8\.8:80 +dr +0 +7 +2 +5 +50–100\n/);
});

test("describeStatus() shows what is changed in the kernel for the services, where anything is", () => {
  expect(describeStatus(status, false)).not.toContain("SETTING");
  const daemon = { interface: "eth1", id: 101, group: "224.0.0.81", port: 8848, ttl: 1, isForeign: false };
  const footing = {
    settings: [{ name: "net.ipv4.ip_forward", value: "1", before: "0" }],
    syncDaemons: [
      { role: "master", ...daemon },
      { role: "backup", ...daemon, group: null, port: null, isForeign: true },
    ],
    marks: [
      { mark: 7, family: 4, places: ["tcp 192.0.2.1:80", "tcp 192.0.2.1:443"], isInForce: true },
      { mark: 8, family: 6, places: ["tcp [2001:db8::1]:80"], isInForce: false },
    ],
    masquerades: ["10.98.0.21 through eth0"],
    problems: ["net.ipv4.vs.conntrack: ENOENT"],
  } as const;
  const text = describeStatus({ ...status, footing }, false);
  expect(text).toMatch(/SETTING +VALUE +BEFORE\nnet\.ipv4\.ip_forward +1 +0\n/);
  expect(text).toMatch(/master +eth1 +101 +224\.0\.0\.81:8848\n/);
  expect(text).toMatch(/backup +eth1 +101 +foreign\n/);
  expect(text).toMatch(/7 +IPv4 +in force +tcp 192\.0\.2\.1:80, tcp 192\.0\.2\.1:443\n/);
  expect(text).toMatch(/8 +IPv6 +missing +tcp \[2001:db8::1\]:80\n/);
  expect(text).toContain("masqueraded: 10.98.0.21 through eth0\n");
  expect(text).toContain("not as it should be: net.ipv4.vs.conntrack: ENOENT\n");
});

test("describeStatus() says that and why the last reload was refused", () => {
  const refused = {
    ...status,
    config: { ...status.config, lastErrors: ["edge-ha.toml:3:1 cluster.nam: unknown"] },
  };
  const text = describeStatus(refused, false);
  expect(text).toContain("the last reload was refused");
  expect(text).toContain("  edge-ha.toml:3:1 cluster.nam: unknown");
});

test("describeStatus() colours states on a terminal only", () => {
  expect(describeStatus(status, false)).not.toContain("\u001B");
  expect(describeStatus(status, true)).toContain("\u001B[36mbackup\u001B[0m");
});

test("describeStatus() says what names stand for, and what is wrong with them", () => {
  const text = describeStatus(status, false).replaceAll(/ +/g, " ");
  expect(text).toContain(
    [
      "NAME OF SERVERS AGAIN IN STATE",
      "app.example apps 10.16.8.1 10.16.8.2 10.16.8.3 10.16.8.4 and 1 more 30s found, 2 left out",
      "old.example apps 10.16.8.9 as it was: SERVFAIL (127.0.0.1:53)",
      "new.example apps none being looked up",
    ].join("\n"),
  );
});
