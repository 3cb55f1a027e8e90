import { describe, expect, test } from "bun:test";
import type { RouteTrackPlan } from "../../../../src/config/track-plan.ts";
import type { SeenRoute } from "../../../../src/kernel/route-sightings.ts";
import type { FakeClock } from "../../../support/fake-clock.ts";
import type { FakeRouteTables } from "../../../support/fake-route-tables.ts";
import { instancePlan, vrrpPlan } from "../../../support/vrrp-plans.ts";
import { fakeCluster, type FakeRouterMachine } from "../vrrp-pair.ts";

const way: SeenRoute = {
  table: 254,
  tos: 0,
  metric: 0,
  type: 1,
  protocol: 3,
  hops: [{ linkIndex: 2, gateway: "192.0.2.1" }],
};
const to = "198.51.100.0/24";
const missing = `track out: there is no route to ${to}: −50`;

interface Tracked {
  readonly lb1: FakeRouterMachine;
  readonly tables: FakeRouteTables;
  readonly clock: FakeClock;
}

function started(
  more: Partial<RouteTrackPlan> = {},
  prepare: (tables: FakeRouteTables) => void = () => {},
): Tracked {
  const track: RouteTrackPlan = {
    kind: "route",
    name: "out",
    destination: { address: "198.51.100.0", length: 24 },
    table: 254,
    via: null,
    interface: null,
    weight: -50,
    reverse: false,
    upDelayMs: 0,
    downDelayMs: 0,
    ...more,
  };
  const { machines, clock } = fakeCluster([
    vrrpPlan([instancePlan({ tracks: ["out"] })], { tracks: [track] }),
  ]);
  const [lb1] = machines;
  if (lb1 === undefined) throw new Error("no machine");
  const tables = lb1.machine.routeTables;
  prepare(tables);
  lb1.start();
  clock.advance(5000);
  return { lb1, tables, clock };
}

describe("a tracked route", () => {
  test("counts as soon as it comes and goes", () => {
    const { lb1, tables } = started({}, (there) => there.add(to, way));
    expect(lb1.status().claims).toEqual([]);
    tables.remove(to, way);
    expect(lb1.status()).toMatchObject({ priority: 50, claims: [missing] });
    tables.add(to, way);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
    expect(lb1.log.filter((line) => line.startsWith("track out"))).toEqual([
      `track out: up → down: there is no route to ${to}`,
      `track out: down → up: route to ${to} goes via 192.0.2.1 on eth0`,
    ]);
    expect(tables.looks).toBe(1);
  });

  test("is missed from the start if it is not there, and is another one in another table", () => {
    const { lb1 } = started({ table: 100 }, (there) => there.add(to, way));
    expect(lb1.status().claims).toEqual([`track out: there is no route to ${to} in table 100: −50`]);
  });

  test("goes by its table's name on this node, which is refused where it has none", () => {
    const { lb1, tables } = started({ table: "main" });
    tables.add(to, way);
    expect(lb1.status().claims).toEqual([]);
    expect(() => started({ table: "uplink" })).toThrow(
      'track out: this node knows no routing table named "uplink"; add it to /etc/iproute2/rt_tables on this node, or write its number',
    );
  });

  test("adds nothing before the table has been read, and heeds what happened meanwhile", () => {
    const { lb1, tables } = started({}, (there) => {
      there.add(to, way);
      there.isSlow = true;
    });
    expect(lb1.status().claims).toEqual([]);
    tables.remove(to, way);
    expect(lb1.status().claims).toEqual([]);
    // The answer still has it, as it was read before.
    tables.answer();
    expect(lb1.status().claims).toEqual([missing]);
  });

  test("is looked for again when a link goes down, with which IPv4 routes go without news", () => {
    const { lb1, tables, clock } = started({}, (there) => there.add(to, way));
    tables.remove(to, way, "silently");
    expect(lb1.status().claims).toEqual([]);
    lb1.machine.setUp("eth0", false);
    clock.advance(100);
    lb1.machine.setUp("eth0", true);
    clock.advance(10);
    expect(lb1.status().claims).toContain(missing);
  });

  test("counts as lost while its link has no carrier", () => {
    const { lb1, clock } = started({ weight: -50 }, (there) => there.add(to, way));
    lb1.machine.setCarrier("eth0", false);
    clock.advance(10);
    expect(lb1.status().claims).toContain(
      `track out: route to ${to} leads nowhere: interface eth0 has no carrier: −50`,
    );
  });

  test("is looked for again after lost news and news of several routes of one rank, once for many", () => {
    const { lb1, tables, clock } = started({}, (there) => there.add(to, way));
    tables.remove(to, way, "silently");
    for (let count = 0; count < 100; count++) tables.tellAll({ kind: "overrun" });
    clock.advance(100);
    expect(tables.looks).toBe(2);
    expect(lb1.status().claims).toEqual([missing]);
    tables.add(to, way);
    tables.add(to, { ...way, hops: [{ linkIndex: 2, gateway: "192.0.2.9" }] });
    clock.advance(100);
    expect(tables.looks).toBe(3);
  });

  test("is found after a while though nothing told of it", () => {
    const { lb1, tables, clock } = started();
    tables.add(to, way, "silently");
    clock.advance(31_000);
    expect(lb1.status().claims).toEqual([]);
  });

  test("is read again after a failure, with one complaint", () => {
    const { lb1, tables, clock } = started({}, (there) => there.add(to, way));
    for (let count = 0; count < 3; count++) tables.tellAll({ kind: "failed", reason: "EMFILE" });
    clock.advance(1100);
    expect(tables.looks).toBe(2);
    expect(lb1.log.filter((line) => line.includes("EMFILE"))).toEqual([
      "track out: the routes cannot be read: EMFILE",
    ]);
  });

  test("that flaps faster than its delay changes nothing", () => {
    const { lb1, tables, clock } = started({ downDelayMs: 1000 }, (there) => there.add(to, way));
    for (let round = 0; round < 10; round++) {
      tables.remove(to, way);
      clock.advance(500);
      tables.add(to, way);
      clock.advance(100);
    }
    expect(lb1.log.filter((line) => line.startsWith("track"))).toEqual([]);
    tables.remove(to, way);
    clock.advance(1100);
    expect(lb1.status().claims).toEqual([missing]);
  });

  test("is not forgotten while the table is read for a changed track", () => {
    const { lb1, tables, clock } = started({ weight: 0 });
    expect(lb1.status().state).toBe("fault");
    tables.isSlow = true;
    const [track] = lb1.plan.tracks;
    if (track?.kind !== "route") throw new Error("the track is of a route");
    lb1.node.configure({ ...lb1.plan, tracks: [{ ...track, upDelayMs: 1000 }] }, []);
    clock.advance(5000);
    expect(lb1.status().state).toBe("fault");
  });

  test("ends with its plan", () => {
    const { lb1, tables, clock } = started({}, (there) => there.add(to, way));
    lb1.node.configure(vrrpPlan([instancePlan()]), []);
    tables.remove(to, way);
    clock.advance(60_000);
    expect(tables.looks).toBe(1);
    expect(lb1.status()).toMatchObject({ priority: 100, claims: [] });
  });
});
