import { describe, expect, test } from "bun:test";
import { plainCircumstances, standingOf, type DrainState } from "../../../src/director/moment.ts";
import { desiredTable } from "../../../src/director/table.ts";
import type { IpvsService } from "../../../src/kernel/ipvs.ts";
import { plannedServer, plannedService, plannedTarget } from "../../support/ipvs-services.ts";

const isUp = (): boolean => true;
const downAre =
  (...probes: readonly string[]) =>
  (probe: string): boolean =>
    !probes.includes(probe);

function serversOf(service: IpvsService | undefined): string[] {
  return (service?.servers ?? []).map(({ address, port, weight }) => `${address}:${port} weight ${weight}`);
}

describe("desiredTable", () => {
  test("enters a service with all its servers for direct routing when all are up", () => {
    const [service, ...rest] = desiredTable([plannedService()], isUp);
    expect(rest).toEqual([]);
    expect(service?.key).toEqual({ family: 4, protocol: 6, address: "10.99.0.101", port: 80 });
    expect(service?.scheduler).toBe("wrr");
    expect(service?.netmask).toBe(32);
    expect(serversOf(service)).toEqual(["10.99.0.21:80 weight 1", "10.99.0.22:80 weight 1"]);
    expect(service?.servers.every(({ forward }) => forward === "dr")).toBe(true);
  });

  test("carries weights, scheduler and persistence over", () => {
    const servers = [plannedServer("10.99.0.21", { weight: 7 })];
    const [service] = desiredTable([plannedService({ scheduler: "rr", persistenceS: 50, servers })], isUp);
    expect(service?.scheduler).toBe("rr");
    expect(service?.persistenceS).toBe(50);
    expect(serversOf(service)).toEqual(["10.99.0.21:80 weight 7"]);
  });

  test("leaves out a server that is down", () => {
    const [service] = desiredTable([plannedService()], downAre("probe 21"));
    expect(serversOf(service)).toEqual(["10.99.0.22:80 weight 1"]);
  });

  test("keeps a server without a probe", () => {
    const servers = [plannedServer("10.99.0.21", { probe: null })];
    expect(serversOf(desiredTable([plannedService({ servers })], () => false)[0])).toHaveLength(1);
  });

  test("enters the sorry server only when no server is left", () => {
    const sorry = plannedTarget("10.99.0.31");
    const all = downAre("probe 21", "probe 22");
    expect(serversOf(desiredTable([plannedService({ sorry })], all)[0])).toEqual(["10.99.0.31:80 weight 1"]);
    expect(serversOf(desiredTable([plannedService({ sorry })], downAre("probe 21"))[0])).toHaveLength(1);
  });

  test("leaves a service without servers in the table when there is no sorry server", () => {
    const table = desiredTable([plannedService()], downAre("probe 21", "probe 22"));
    expect(table.map(serversOf)).toEqual([[]]);
  });

  test("enters the sorry server beside servers of weight 0, whose connections go on", () => {
    const sorry = plannedTarget("10.99.0.31");
    const servers = [plannedServer("10.99.0.21", { weight: 0 })];
    expect(serversOf(desiredTable([plannedService({ sorry, servers })], isUp)[0])).toEqual([
      "10.99.0.21:80 weight 0",
      "10.99.0.31:80 weight 1",
    ]);
  });

  test("writes an IPv6 service with the full prefix", () => {
    const [service] = desiredTable([plannedService({ address: "2001:db8::1", servers: [] })], isUp);
    expect(service?.key).toEqual({ family: 6, protocol: 6, address: "2001:db8::1", port: 80 });
    expect(service?.netmask).toBe(128);
  });
});

test("desiredTable writes what ipvsadm has options for as the kernel's numbers", () => {
  const tunnel = { type: "gue", port: 5555, checksum: "full" } as const;
  const servers = [
    plannedServer("10.99.0.21", { forward: "nat", port: 8080, upperThreshold: 100, lowerThreshold: 50 }),
    plannedServer("2001:db8::22", { forward: "tunnel", tunnel, probe: null }),
  ];
  const [service] = desiredTable(
    [
      plannedService({
        key: { family: 4, protocol: "udp", address: "10.99.0.101", port: 53 },
        scheduler: "mh",
        schedulerFlags: ["fallback", "port"],
        isOnePacket: true,
        persistenceS: 60,
        persistencePrefix: 24,
        persistenceEngine: "sip",
        servers,
      }),
    ],
    isUp,
  );
  expect(service).toMatchObject({
    key: { family: 4, protocol: 17, address: "10.99.0.101", port: 53 },
    scheduler: "mh",
    flags: 0x1c,
    persistenceS: 60,
    netmask: 24,
    persistenceEngine: "sip",
    servers: [
      {
        address: "10.99.0.21",
        port: 8080,
        forward: "nat",
        tunnel: null,
        upperThreshold: 100,
        lowerThreshold: 50,
      },
      { address: "2001:db8::22", port: 80, forward: "tunnel", tunnel },
    ],
  });
  const [sctp, mark] = desiredTable(
    [
      plannedService({ key: { family: 6, protocol: "sctp", address: "2001:db8::1", port: 5060 } }),
      plannedService({ key: { family: 6, mark: 7 } }),
    ],
    isUp,
  );
  expect(sctp?.key).toEqual({ family: 6, protocol: 132, address: "2001:db8::1", port: 5060 });
  expect(mark?.key).toEqual({ family: 6, mark: 7 });
});

test("desiredTable gives a sorry server that is one of the servers its entry once", () => {
  const sorry = plannedTarget("10.99.0.21");
  const servers = [plannedServer("10.99.0.21", { weight: 0 })];
  expect(serversOf(desiredTable([plannedService({ sorry, servers })], isUp)[0])).toEqual([
    "10.99.0.21:80 weight 1",
  ]);
});

function hasQuorumBy(...ask: Parameters<typeof standingOf>): boolean {
  return standingOf(...ask).hasQuorum;
}

describe("standingOf", () => {
  test("a service without a server that is up and has a weight has no quorum", () => {
    expect(hasQuorumBy(plannedService(), isUp)).toBe(true);
    expect(hasQuorumBy(plannedService(), downAre("probe 21", "probe 22"))).toBe(false);
    expect(hasQuorumBy(plannedService({ servers: [] }), isUp)).toBe(false);
  });

  test("a server without a result counts as up, or as down if the service says so", () => {
    expect(standingOf(plannedService(), () => null).liveWeight).toBe(2);
    expect(standingOf(plannedService({ startsDown: true }), () => null).liveWeight).toBe(0);
  });

  test("below the quorum the sorry server takes over, and those that are up keep their connections", () => {
    const quorum = { weight: 2, hysteresis: 0, up: null, down: null, endsOnStop: false };
    const sorry = plannedTarget("10.99.0.31");
    expect(serversOf(desiredTable([plannedService({ quorum, sorry })], downAre("probe 21"))[0])).toEqual([
      "10.99.0.22:80 weight 0",
      "10.99.0.31:80 weight 1",
    ]);
    expect(serversOf(desiredTable([plannedService({ quorum })], downAre("probe 21"))[0])).toEqual([
      "10.99.0.22:80 weight 1",
    ]);
  });

  test("a server that is inhibited stays with weight 0 while it is down", () => {
    const servers = [plannedServer("10.99.0.21", { inhibits: true }), plannedServer("10.99.0.22")];
    const down = downAre("probe 21", "probe 22");
    expect(serversOf(desiredTable([plannedService({ servers })], down)[0])).toEqual([
      "10.99.0.21:80 weight 0",
    ]);
  });

  test("drained, held out, slow: each has its place in the table", () => {
    const slow = { weight: 100, slowStartMs: 1_000 };
    const servers = ["21", "22", "23", "24"].map((part) => plannedServer(`10.99.0.${part}`, slow));
    const service = plannedService({ servers });
    const table = desiredTable([service], isUp, {
      ...plainCircumstances,
      drainOf: (_, { address }) =>
        address.endsWith("21") ? "draining" : address.endsWith("22") ? "drained" : null,
      isHeldOut: (_, { address }) => address.endsWith("23"),
      shareOf: (_, { address }) => (address.endsWith("24") ? 0.25 : 1),
    });
    expect(serversOf(table[0])).toEqual(["10.99.0.21:80 weight 0", "10.99.0.24:80 weight 25"]);
  });
});

test("desiredTable has no sorry server that was taken out by order, and those that are left go on", () => {
  const sorry = plannedTarget("10.99.0.21");
  const quorum = { weight: 2, hysteresis: 0, up: null, down: null, endsOnStop: false };
  const drained = { ...plainCircumstances, drainOf: isFirst };
  expect(serversOf(desiredTable([plannedService({ quorum, sorry })], () => true, drained)[0])).toEqual([
    "10.99.0.21:80 weight 0",
    "10.99.0.22:80 weight 1",
  ]);
});

function isFirst(_: unknown, { address }: { readonly address: string }): DrainState | null {
  return address === "10.99.0.21" ? "draining" : null;
}
