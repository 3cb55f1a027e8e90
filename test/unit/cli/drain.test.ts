import { describe, expect, test } from "bun:test";
import { describeDrain } from "../../../src/cli/drain-text.ts";
import { serviceStatuses } from "../../../src/director/service-status.ts";
import { plainCircumstances, type DrainState } from "../../../src/director/moment.ts";
import { desiredTable } from "../../../src/director/table.ts";
import type { ServiceStatus } from "../../../src/ipc/status.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedService } from "../../support/ipvs-services.ts";

/** How a service stands whose server 10.99.0.21 has `open` connections or, once it is taken out, had `cut`. */
function shown(drain: DrainState | null, { open = 0, cut = 0 } = {}): readonly ServiceStatus[] {
  const web = plannedService();
  const circumstances = {
    ...plainCircumstances,
    drainOf: (_: unknown, { address }: { address: string }) => (address.endsWith("21") ? drain : null),
    cutOf: () => cut,
  };
  const kernel = new FakeIpvs(desiredTable([web], () => true, circumstances));
  const actual = kernel.countedServices().map((service) => {
    const servers = service.servers.map((server) => Object.assign(server, { activeConnections: open }));
    return Object.assign(service, { servers });
  });
  return serviceStatuses({ services: [web], marks: [] }, actual, () => true, circumstances);
}

describe("describeDrain", () => {
  const names = ["web/10.99.0.21"];

  test("says how many connections are left until there is none", () => {
    expect(describeDrain(names, { services: shown("draining", { open: 1 }), proxied: [] })).toEqual({
      text: "web/10.99.0.21:80: 1 connection left",
      isOver: false,
    });
    expect(describeDrain(names, { services: shown("drained"), proxied: [] })).toEqual({
      text: "no connection is left",
      isOver: true,
    });
  });

  test("says how many were cut when the time was up", () => {
    expect(describeDrain(names, { services: shown("drained", { cut: 3 }), proxied: [] })).toEqual({
      text: "web/10.99.0.21:80: taken out with 3 connections still open",
      isOver: true,
    });
  });

  test("says that somebody has put the server back", () => {
    expect(describeDrain(names, { services: shown(null), proxied: [] }).text).toBe(
      "web/10.99.0.21:80: was put back meanwhile",
    );
  });
});
