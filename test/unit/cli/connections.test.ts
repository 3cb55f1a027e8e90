import { describe, expect, test } from "bun:test";
import { parseConnectionFilter } from "../../../src/cli/connection-filter.ts";
import { connectionNames } from "../../../src/cli/connection-names.ts";
import { ConnectionView } from "../../../src/cli/connections.ts";
import type { DirectorPlan } from "../../../src/config/node-plan.ts";
import { serviceStatuses } from "../../../src/director/service-status.ts";
import { desiredTable } from "../../../src/director/table.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";

const planned: DirectorPlan["services"] = [
  plannedService({ servers: [plannedServer("10.98.0.21"), plannedServer("10.98.0.22")] }),
  plannedService({
    name: "marked",
    key: { family: 4, mark: 7 },
    servers: [plannedServer("10.98.0.31", { port: 0 })],
  }),
  // With the same server, and told apart by where its packets go, as they are marked here.
  plannedService({
    name: "together",
    key: { family: 4, mark: 9 },
    servers: [plannedServer("10.98.0.31", { port: 0 })],
  }),
];
const marks = [
  { mark: 9, family: 4, sockets: [{ protocol: "tcp", address: "10.99.0.102", port: 5000 }] },
] as const;
const theirs = plannedService({ address: "10.99.0.150", servers: [plannedServer("10.98.0.41")] });
const kernel = new FakeIpvs(desiredTable([...planned, theirs], () => true));
const services = serviceStatuses(
  { services: planned, marks },
  kernel.countedServices(),
  (probe) => probe !== "probe 22",
);

const lines = [
  "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData",
  "TCP 0A630063 D6F2 0A630065 0050 0A620015 0050 ESTABLISHED     899",
  "TCP 0A630064 D6F3 0A630065 0050 0A620016 0050 FIN_WAIT         61",
  "TCP 0A630063 D6F4 0A630001 1F90 0A62001F 1F90 ESTABLISHED     899",
  "IP  0A630063 0000 00000007 0000 0A62001F 0000 NONE            350",
  "TCP 0A630063 D6F5 0A630096 0050 0A620029 0050 ESTABLISHED     899",
  "TCP 0A630063 D6F6 0A630065 0050 0A620063 0050 CLOSE             9",
  "TCP 0A630063 D6F8 0A630066 1388 0A62001F 1388 ESTABLISHED     899",
  "UDP 0A630063 D6F7 0A630065 0050 0A620015 0050 UDP             299",
];

interface Asked {
  readonly service?: string;
  readonly server?: string;
  readonly client?: string;
  readonly json?: boolean;
  readonly limit?: number;
}

/** What is written of the lines above. */
function shown({ service, server, client, json = false, limit = 0 }: Asked = {}): readonly string[] {
  const filter = parseConnectionFilter({
    service: service ?? null,
    server: server ?? null,
    client: client ?? null,
  });
  if (typeof filter === "string") throw new Error(filter);
  const written: string[] = [];
  const writer = { write: (line: string) => void written.push(line), isBroken: false };
  const view = new ConnectionView(connectionNames(services), filter, { json, limit, writer });
  for (const line of lines) if (!view.take(line)) break;
  return written;
}

const squeezed = (text: string): string => text.replaceAll(/ +/g, " ");

describe("status --connections", () => {
  test("names service and server of each connection, with the server's health", () => {
    expect(shown().map(squeezed)).toEqual([
      "SERVICE PROTO CLIENT TO SERVER HEALTH STATE EXPIRES PERSISTENCE",
      "web tcp 10.99.0.99:55026 10.99.0.101:80 10.98.0.21:80 up ESTABLISHED 14:59",
      "web tcp 10.99.0.100:55027 10.99.0.101:80 10.98.0.22:80 down FIN_WAIT 01:01",
      "marked tcp 10.99.0.99:55028 10.99.0.1:8080 10.98.0.31:8080 up ESTABLISHED 14:59",
      "marked ip 10.99.0.99 fwmark 7 10.98.0.31:0 up NONE 05:50 client",
      "(foreign) tcp 10.99.0.99:55029 10.99.0.150:80 10.98.0.41:80 ESTABLISHED 14:59",
      "web tcp 10.99.0.99:55030 10.99.0.101:80 10.98.0.99:80 gone CLOSE 00:09",
      "together tcp 10.99.0.99:55032 10.99.0.102:5000 10.98.0.31:5000 up ESTABLISHED 14:59",
      "? udp 10.99.0.99:55031 10.99.0.101:80 10.98.0.21:80 UDP 04:59",
    ]);
  });

  test("shows those of a service, a server or a client", () => {
    expect(shown({ service: "marked" })).toHaveLength(3);
    expect(shown({ server: "10.98.0.31" })).toHaveLength(4);
    expect(shown({ server: "10.98.0.31:8080" })).toHaveLength(2);
    expect(shown({ client: "10.99.0.100" })).toHaveLength(2);
    expect(shown({ client: "10.99.0.96/30" })).toHaveLength(8);
    expect(shown({ client: "2001:db8::/32" })).toHaveLength(1);
  });

  test("stops at the limit", () => {
    expect(shown({ limit: 2 })).toHaveLength(3);
  });

  test("writes one JSON object a line", () => {
    const objects = shown({ json: true }).map((line): unknown => JSON.parse(line));
    expect(objects).toHaveLength(8);
    expect(objects[1]).toEqual({
      protocol: "tcp",
      client: "10.99.0.100:55027",
      target: "10.99.0.101:80",
      server: "10.98.0.22:80",
      state: "FIN_WAIT",
      expiresS: 61,
      persistence: null,
      isTemplate: false,
      service: "web",
      isForeign: false,
      isUp: false,
      drain: null,
    });
  });

  test("says what is wrong with a filter", () => {
    const none = { service: null, server: null, client: null };
    expect(parseConnectionFilter({ ...none, server: "web1" })).toContain("--server web1");
    expect(parseConnectionFilter({ ...none, server: "10.0.0.1:99999" })).toContain("--server");
    expect(parseConnectionFilter({ ...none, client: "10.0.0.0/33" })).toContain("--client");
    expect(parseConnectionFilter({ ...none, server: "[2001:db8::8]:80" })).toMatchObject({
      server: { address: "2001:db8::8", port: 80 },
    });
  });
});
