import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { hasErrors, type Diagnostic } from "../../../src/config/diagnostic.ts";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { realServerConfig } from "../../../src/config/real-server.ts";
import { noContent } from "../../../src/config/content-plan.ts";
import { plainRouting } from "../../../src/config/routing-plan.ts";
import { configOf } from "./expect-lines.ts";

const example = readFileSync(`${import.meta.dir}/../../support/examples/product.toml`, "utf8");

/** The example without the keys of later versions, and with the VIP that its sync group names. */
const loadable = example
  .replace(/^tls = .*\n/m, "")
  .replace(/^\[admin\][^]*(?=\[notify\])/m, "")
  .replace(/^mail = .*\n/m, "")
  .replace(
    "[[sync_group]]",
    '[[vip]]\nname = "inside-1"\naddress = "10.16.8.100/24"\nprefer = ["lb1", "lb2"]\n[[sync_group]]',
  );

const named = (diagnostics: readonly Diagnostic[], severity: string): readonly string[] =>
  diagnostics
    .filter((one) => one.severity === severity)
    .map(({ line, column, key, what }) => `${line}:${column} ${key}: ${what}`);

describe("the example of the configuration contract", () => {
  test("is refused for the keys of later versions and the VIP it does not define, and for nothing else", () => {
    const { config, diagnostics } = readConfig(example, "product.toml");
    expect(config).toBeNull();
    expect(named(diagnostics, "error")).toEqual([
      '34:21 sync_group "VG_1".vips[1]: there is no [[vip]] or [[vrrp]] named "inside-1"',
      "86:1 admin: not built yet in this version",
      "89:1 notify.mail: not built yet in this version",
    ]);
  });

  test("loads without them, with two warnings", () => {
    const { config, diagnostics } = readConfig(loadable, "product.toml");
    expect(config).not.toBeNull();
    expect(hasErrors(diagnostics)).toBe(false);
    expect(named(diagnostics, "warning").map((text) => text.replace(/^\S+ /, ""))).toEqual([
      'service "web".sorry: direct routing changes no port: connections come to 127.0.0.1 at port 80, not 8080',
      'listener "http".address: [[service]] "web" takes 172.16.8.100:80, 172.16.8.101:80 in the kernel, before this listener',
    ]);
  });

  test("gives the two nodes plans that mirror each other", () => {
    const config = configOf(loadable);
    const [one, other] = ["lb1", "lb2"].map((node) => planNode(config, node, { cores: 2 }));
    const claims = (plan: typeof one): unknown =>
      plan?.vrrp.instances.map(({ name, vrid, priority, interface: on, source }) => [
        name,
        vrid,
        priority,
        on,
        source,
      ]);
    expect(claims(one)).toEqual([
      ["public-1", 191, 254, "eth2", "172.16.8.10"],
      ["public-2", 192, 250, "eth2", "172.16.8.10"],
      ["inside-1", 100, 254, "eth1", "10.16.8.10"],
    ]);
    expect(claims(other)).toEqual([
      ["public-1", 191, 250, "eth2", "172.16.8.11"],
      ["public-2", 192, 254, "eth2", "172.16.8.11"],
      ["inside-1", 100, 250, "eth1", "10.16.8.11"],
    ]);
    expect(other?.director).toEqual(one?.director as never);
    expect(other?.proxy).toEqual({ ...one?.proxy, via: "edge-ha-shop-lb2" } as never);
    expect(one?.vrrp.syncGroups).toEqual([
      { name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null },
    ]);
    expect(other?.vrrp.tracks).toEqual(one?.vrrp.tracks as never);
  });

  test("gives every value of the file to the plan", () => {
    const { director, proxy, vrrp } = planNode(configOf(loadable), "lb1", { cores: 3 });
    const probe = "http 10.16.8.8:80 GET / status 200 every 3s retries 3";
    expect(vrrp.tracks).toEqual([
      {
        kind: "script",
        reverse: false,
        name: "check-uplink",
        command: ["/usr/local/bin/check-uplink"],
        intervalMs: 2000,
        timeoutMs: 2000,
        jitterMs: 0,
        rise: 2,
        fall: 2,
        weight: -10,
        user: null,
      },
    ]);
    expect(vrrp.notify).toEqual({
      node: "lb1",
      script: { command: ["/usr/local/bin/notify"], timeoutMs: 30_000, user: null },
      fifo: null,
    });
    const direct = {
      port: 80,
      forward: "dr",
      tunnel: null,
      upperThreshold: 0,
      lowerThreshold: 0,
      inhibits: false,
      slowStartMs: 0,
    } as const;
    expect(director.services[1]).toEqual({
      name: "web",
      key: { family: 4, protocol: "tcp", address: "172.16.8.101", port: 80 },
      scheduler: "wrr",
      schedulerFlags: [],
      isOnePacket: false,
      persistenceS: 50,
      persistencePrefix: 32,
      persistenceEngine: null,
      sorry: { address: "127.0.0.1", port: 80, forward: "dr", tunnel: null },
      quorum: { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: false },
      startsDown: false,
      damping: null,
      servers: [
        { address: "10.16.8.8", ...direct, weight: 1, probe },
        { address: "10.16.8.9", ...direct, weight: 1, probe: probe.replace("8.8", "8.9") },
      ],
    });
    expect(director.probes.map(({ id }) => id)).toEqual([
      probe,
      probe.replace("8.8", "8.9"),
      "http 10.16.8.8:80 GET /healthz every 2s rise 2 fall 2",
      "http 127.0.0.1:8080 GET /healthz every 2s rise 2 fall 2",
    ]);
    expect(proxy.workers).toBe(3);
    expect(proxy.listeners.map(({ name, sockets }) => [name, sockets])).toEqual([
      [
        "http",
        [
          { address: "0.0.0.0", port: 80 },
          { address: "::", port: 80 },
        ],
      ],
      [
        "https",
        [
          { address: "0.0.0.0", port: 443 },
          { address: "::", port: 443 },
        ],
      ],
    ]);
    expect(
      proxy.upstreams[0]?.servers.map(({ address, port, isBackup }) => [address, port, isBackup]),
    ).toEqual([
      ["10.16.8.8", 80, false],
      ["127.0.0.1", 8080, true],
    ]);
    expect(proxy.sites).toEqual([
      {
        hosts: ["shop.example", "*.shop.example"],
        listeners: ["http", "https"],
        accessLog: {
          to: { kind: "file", path: "/var/log/edge-ha/access.log" },
          format: "main",
          escape: null,
        },
        ids: null,
        errorPages: null,
        responseHeaders: { remove: [], set: [], add: [] },
        compression: null,
        policy: { access: null, redirect: null },
        routes: [
          {
            path: "/",
            upstream: "apps",
            retries: null,
            connectTimeoutMs: 90_000,
            sendTimeoutMs: 90_000,
            readTimeoutMs: 90_000,
            maxBodyBytes: 10 * 1024 ** 2,
            headLimits: null,
            accessLog: null,
            responseHeaders: { remove: [], set: [], add: [["Access-Control-Allow-Origin", "*"]] },
            content: noContent,
            admission: { basicAuth: null, rateLimit: null, connectionLimit: null },
            routing: plainRouting,
          },
        ],
      },
    ]);
  });

  test("tells web servers the VIPs of its services", () => {
    expect(realServerConfig(configOf(loadable)).addresses).toEqual(["172.16.8.100", "172.16.8.101"]);
  });
});
