import { describe, expect, test } from "bun:test";
import { planSteps, stepText } from "../../../src/director/plan.ts";
import { desiredTable } from "../../../src/director/table.ts";
import type { IpvsService } from "../../../src/kernel/ipvs.ts";
import { plannedServer, plannedService, plannedTarget } from "../../support/ipvs-services.ts";

const key = "tcp 10.99.0.101:80";
const owned = new Set([key]);

function table(...services: Parameters<typeof desiredTable>[0]): readonly IpvsService[] {
  return desiredTable(services, () => true);
}

function texts(...input: Parameters<typeof planSteps>): string[] {
  return planSteps(...input).map(stepText);
}

describe("planSteps", () => {
  test("makes a service, then its servers, in an empty table", () => {
    expect(texts(table(plannedService()), [], new Set())).toEqual([
      `add service ${key} wrr`,
      `add server 10.99.0.21:80 dr weight 1 to ${key}`,
      `add server 10.99.0.22:80 dr weight 1 to ${key}`,
    ]);
  });

  test("gives no step when nothing differs, whatever the kernel counts", () => {
    const [service] = table(plannedService({ persistenceS: 50 }));
    if (service === undefined) throw new Error("no service");
    const counted = { activeConnections: 7, inactiveConnections: 1, persistentConnections: 2 };
    const servers = service.servers.map((server) => Object.assign({}, server, counted));
    const actual = [{ ...service, servers }];
    expect(texts(table(plannedService({ persistenceS: 50 })), actual, owned)).toEqual([]);
  });

  test("goes by servers, in whatever order the kernel lists them", () => {
    const servers = ["21", "22", "23"].map((part) => plannedServer(`10.99.0.${part}`));
    const wanted = table(plannedService({ servers }));
    const [first, second, third] = servers;
    if (first === undefined || second === undefined || third === undefined) throw new Error("too few");
    for (const order of [servers.toReversed(), [second, third, first]]) {
      expect(texts(wanted, table(plannedService({ servers: order })), owned)).toEqual([]);
      const changed = order.with(order.indexOf(second), { ...second, weight: 9 });
      expect(texts(wanted, table(plannedService({ servers: changed })), owned)).toEqual([
        `change server 10.99.0.22:80 dr weight 1 of ${key}`,
      ]);
    }
  });

  test("changes a weight in place", () => {
    const servers = [plannedServer("10.99.0.21", { weight: 5 }), plannedServer("10.99.0.22")];
    expect(texts(table(plannedService({ servers })), table(plannedService()), owned)).toEqual([
      `change server 10.99.0.21:80 dr weight 5 of ${key}`,
    ]);
  });

  test("changes scheduler and persistence in place", () => {
    const desired = table(plannedService({ scheduler: "rr", persistenceS: 50 }));
    expect(texts(desired, table(plannedService()), owned)).toEqual([
      `change service ${key} rr persistent 50 s`,
    ]);
  });

  test("adds the sorry server before the last server leaves, and a server before the sorry server does", () => {
    const service = plannedService({ sorry: plannedTarget("10.99.0.31") });
    const healthy = desiredTable([service], () => true);
    const deserted = desiredTable([service], () => false);
    expect(texts(deserted, healthy, owned)).toEqual([
      `add server 10.99.0.31:80 dr weight 1 to ${key}`,
      `remove server 10.99.0.21:80 from ${key}`,
      `remove server 10.99.0.22:80 from ${key}`,
    ]);
    expect(texts(healthy, deserted, owned)).toEqual([
      `add server 10.99.0.21:80 dr weight 1 to ${key}`,
      `add server 10.99.0.22:80 dr weight 1 to ${key}`,
      `remove server 10.99.0.31:80 from ${key}`,
    ]);
  });

  test("removes an owned service that is no longer wanted, after everything else", () => {
    const other = plannedService({ address: "10.99.0.102" });
    expect(texts(table(other), table(plannedService()), owned).at(-1)).toBe(`remove service ${key}`);
  });

  test("removes services in the opposite order to that in which they were made", () => {
    const services = ["101", "102", "103"].map((part) => plannedService({ address: `10.99.0.${part}` }));
    const keys = ["101", "102", "103"].map((part) => `tcp 10.99.0.${part}:80`);
    expect(texts([], table(...services), new Set(keys))).toEqual(
      keys.toReversed().map((one) => `remove service ${one}`),
    );
  });

  test("leaves a foreign service alone", () => {
    const foreign = table(plannedService({ address: "10.99.0.150" }));
    expect(texts([], foreign, owned)).toEqual([]);
  });

  test("takes over a service under a wanted key", () => {
    const [foreign] = table(plannedService({ scheduler: "rr", servers: [plannedServer("10.99.0.99")] }));
    expect(texts(table(plannedService()), foreign === undefined ? [] : [foreign], new Set())).toEqual([
      `change service ${key} wrr`,
      `add server 10.99.0.21:80 dr weight 1 to ${key}`,
      `add server 10.99.0.22:80 dr weight 1 to ${key}`,
      `remove server 10.99.0.99:80 from ${key}`,
    ]);
  });

  test("tells services of different protocols and marks apart", () => {
    const [service] = table(plannedService());
    const servers: IpvsService["servers"] = [];
    const udp = { ...service, servers, key: { family: 4, protocol: 17, address: "10.99.0.101", port: 80 } };
    const mark = { ...service, servers, key: { family: 4, mark: 7 } };
    const actual = [udp, mark] as IpvsService[];
    expect(texts([], actual, owned)).toEqual([]);
    expect(texts([], actual, new Set(["udp 10.99.0.101:80"]))).toEqual(["remove service udp 10.99.0.101:80"]);
  });
});
