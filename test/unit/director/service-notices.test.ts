import { describe, expect, test } from "bun:test";
import type { BalancedService } from "../../../src/director/balanced-service.ts";
import { standingOf } from "../../../src/director/moment.ts";
import { ServiceNotices } from "../../../src/director/service-notices.ts";
import { directorLab, plan } from "../../support/director-lab.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";
import { plannedRelay, proxiedServer } from "../../support/proxied-services.ts";

const alone = [plannedServer("10.99.0.21")];

/** Looks once, with these probes down, and gives the lines. */
function look(
  notices: ServiceNotices,
  service: BalancedService,
  ...down: readonly string[]
): readonly string[] {
  const standing = standingOf(service, (probe) => !down.includes(probe));
  return notices
    .look("key" in service ? "kernel" : "proxies", [service], [standing])
    .map(({ words }) => words.join(" "));
}

describe("notices of services", () => {
  test("name servers before their service, in keepalived's words", () => {
    const notices = new ServiceNotices();
    const service = plannedService();
    expect(look(notices, service)).toEqual(["VS [10.99.0.101]:tcp:80 UP"]);
    expect(look(notices, service)).toEqual([]);
    expect(look(notices, service, "probe 21")).toEqual(["RS [10.99.0.21]:tcp:80 [10.99.0.101]:tcp:80 DOWN"]);
    expect(look(notices, service, "probe 21", "probe 22")).toEqual([
      "RS [10.99.0.22]:tcp:80 [10.99.0.101]:tcp:80 DOWN",
      "VS [10.99.0.101]:tcp:80 DOWN",
    ]);
    expect(look(notices, service, "probe 22")).toEqual([
      "RS [10.99.0.21]:tcp:80 [10.99.0.101]:tcp:80 UP",
      "VS [10.99.0.101]:tcp:80 UP",
    ]);
  });

  test("of a mark have its number, and no protocol", () => {
    const notices = new ServiceNotices();
    const service = plannedService({ key: { family: 4, mark: 7 }, servers: alone });
    expect(look(notices, service, "probe 21")).toEqual([
      "RS [10.99.0.21]:none:80 FWM 7 DOWN",
      "VS FWM 7 DOWN",
    ]);
  });

  test("of one that starts down begin when it comes up", () => {
    const notices = new ServiceNotices();
    const service = plannedService({ startsDown: true, servers: alone });
    expect(look(notices, service, "probe 21")).toEqual([]);
    expect(look(notices, service)).toEqual([
      "RS [10.99.0.21]:tcp:80 [10.99.0.101]:tcp:80 UP",
      "VS [10.99.0.101]:tcp:80 UP",
    ]);
  });

  test("of a relay name each of its addresses, as the kernel's services of them would", () => {
    const notices = new ServiceNotices();
    const sockets = ["10.99.0.101", "2001:db8::101"].map((address) => ({ address, port: 53 }));
    const service = plannedRelay({ protocol: "udp", sockets, servers: [proxiedServer(21, { port: 5353 })] });
    expect(look(notices, service)).toEqual(["VS [10.99.0.101]:udp:53 UP", "VS [2001:db8::101]:udp:53 UP"]);
    expect(look(notices, service, "probe 21")).toEqual([
      "RS [10.99.0.21]:udp:5353 [10.99.0.101]:udp:53 DOWN",
      "VS [10.99.0.101]:udp:53 DOWN",
      "RS [10.99.0.21]:udp:5353 [2001:db8::101]:udp:53 DOWN",
      "VS [2001:db8::101]:udp:53 DOWN",
    ]);
    expect(notices.look("kernel", [], [])).toEqual([]);
    expect(look(notices, service, "probe 21")).toEqual([]);
  });

  test("of an upstream name it", () => {
    const notices = new ServiceNotices();
    const service = plannedRelay({ kind: "upstream", group: "apps", name: "apps", sockets: [] });
    expect(look(notices, service)).toEqual(["VS UPSTREAM apps UP"]);
    expect(look(notices, service, "probe 21")).toEqual(["RS [10.99.0.21]:tcp:80 UPSTREAM apps DOWN"]);
    expect(notices.end([service]).map(({ words }) => words.join(" "))).toEqual([
      "RS [10.99.0.22]:tcp:80 UPSTREAM apps DOWN",
      "VS UPSTREAM apps DOWN",
    ]);
  });

  test("of an end are of those that were up", () => {
    const notices = new ServiceNotices();
    const service = plannedService();
    look(notices, service, "probe 21");
    expect(notices.end([service]).map(({ words }) => words.join(" "))).toEqual([
      "RS [10.99.0.22]:tcp:80 [10.99.0.101]:tcp:80 DOWN",
      "VS [10.99.0.101]:tcp:80 DOWN",
    ]);
    expect(new ServiceNotices().end([service])).toEqual([]);
  });

  test("of a service that left and came back begin anew, and a table that cannot be read is no news", () => {
    const notices = new ServiceNotices();
    const service = plannedService();
    look(notices, service, "probe 21", "probe 22");
    expect(notices.look("kernel", [service], [])).toEqual([]);
    expect(look(notices, service, "probe 21", "probe 22")).toEqual([]);
    expect(notices.look("kernel", [], [])).toEqual([]);
    expect(look(notices, service)).toEqual(["VS [10.99.0.101]:tcp:80 UP"]);
  });
});

test("a director tells of what is in force, of a drain as a quorum that is lost, and of no plan that was refused", () => {
  const { director, down, noticed } = directorLab();
  const service = plannedService({ servers: alone });
  director.configure(plan(service));
  director.drain({ servers: ["web/10.99.0.21"], isBack: false, withinMs: 60_000 });
  director.drain({ servers: ["web/10.99.0.21"], isBack: true, withinMs: 0 });
  const place = "[10.99.0.101]:tcp:80";
  expect(noticed.splice(0)).toEqual([`VS ${place} UP`, `VS ${place} DOWN`, `VS ${place} UP`]);
  expect(director.configure(plan(service, plannedService({ port: 81, scheduler: "twos" })))).not.toBeNull();
  expect(noticed).toEqual([]);
  down.add("probe 21");
  director.reconcile();
  expect(noticed).toEqual([`RS [10.99.0.21]:tcp:80 ${place} DOWN`, `VS ${place} DOWN`]);
});

test("a director tells of what the proxies balance at each look, also of a plan without a service of the kernel", () => {
  const { director, down, noticed } = directorLab();
  director.configure({ ...plan(), proxied: [plannedRelay()] });
  expect(noticed.splice(0)).toEqual(["VS [10.99.0.101]:tcp:80 UP"]);
  down.add("probe 21");
  director.reconcile();
  director.reconcile();
  expect(noticed).toEqual(["RS [10.99.0.21]:tcp:80 [10.99.0.101]:tcp:80 DOWN"]);
});
