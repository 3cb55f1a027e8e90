import { describe, expect, test } from "bun:test";
import { serviceStatuses } from "../../../src/director/service-status.ts";
import { desiredTable } from "../../../src/director/table.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedService, plannedTarget } from "../../support/ipvs-services.ts";

describe("serviceStatuses", () => {
  test("shows what others made behind its own, marked as foreign", () => {
    const foreign = desiredTable(
      [plannedService({ key: { family: 4, mark: 7 }, isOnePacket: true, schedulerFlags: ["port"] })],
      () => true,
    );
    const kernel = new FakeIpvs([...foreign, ...desiredTable([plannedService()], () => true)]);
    expect(
      serviceStatuses({ services: [plannedService()], marks: [] }, kernel.countedServices(), () => true),
    ).toMatchObject([
      { name: "web", isForeign: false, address: "10.99.0.101", servers: [{ isUp: true }, { isUp: true }] },
      {
        name: "fwmark 7 (IPv4)",
        isForeign: true,
        mark: 7,
        isOnePacket: true,
        schedulerFlags: ["port"],
        servers: [{ address: "10.99.0.21", isUp: null }, { address: "10.99.0.22" }],
      },
    ]);
  });

  test("shows the sorry server while it has the traffic", () => {
    const service = plannedService({ sorry: plannedTarget("10.99.0.29") });
    const statuses = (isUp: boolean): ReturnType<typeof serviceStatuses> => {
      const kernel = new FakeIpvs(desiredTable([service], () => isUp));
      return serviceStatuses({ services: [service], marks: [] }, kernel.countedServices(), () => isUp);
    };
    expect(statuses(true)).toMatchObject([{ usesSorry: false, sorry: null }]);
    expect(statuses(false)).toMatchObject([
      { usesSorry: true, hasQuorum: false, sorry: { address: "10.99.0.29", weight: 1 } },
    ]);
  });

  test("shows a service that is not in the table as it is planned", () => {
    expect(
      serviceStatuses({ services: [plannedService({ persistenceS: 60 })], marks: [] }, [], () => true),
    ).toMatchObject([
      {
        scheduler: "wrr",
        persistence: { timeoutS: 60, prefix: 32, engine: null },
        traffic: { connections: 0 },
        servers: [
          { address: "10.99.0.21", isInTable: false, forward: "dr", weight: 0 },
          { address: "10.99.0.22", isInTable: false },
        ],
      },
    ]);
  });
});
