import { describe, expect, test } from "bun:test";
import { desiredTable } from "../../../src/director/table.ts";
import type { IpvsService } from "../../../src/kernel/ipvs.ts";
import { directorLab as lab, key, plan, weights } from "../../support/director-lab.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";

/** The table of the service, with three connections to each server. */
function busyTable(): readonly IpvsService[] {
  return desiredTable([plannedService()], () => true).map((service) =>
    Object.assign({}, service, {
      servers: service.servers.map((server) => Object.assign({}, server, { activeConnections: 3 })),
    }),
  );
}

describe("Director.drain", () => {
  const order = { servers: ["web/10.99.0.21"], isBack: false, withinMs: 60_000 };

  test("takes a server out that has no connection, but not before it had no weight, and puts it back", () => {
    const { director, kernel, book, said } = lab();
    director.configure(plan(plannedService()));
    expect(director.drain(order)).toEqual({
      outcomes: [{ name: "web/10.99.0.21", text: "gets no new connections" }],
      refusal: null,
    });
    // What came while the weight was being changed is counted at the next look.
    expect(weights(kernel)).toEqual(["10.99.0.21 0", "10.99.0.22 1"]);
    expect(director.isWaiting).toBe(true);
    director.reconcile();
    expect(kernel.services()[0]?.servers.map(({ address }) => address)).toEqual(["10.99.0.22"]);
    expect(book.drains).toMatchObject([{ service: "web", address: "10.99.0.21", state: "drained" }]);
    expect(director.isWaiting).toBe(false);
    expect(said).toContain("notice: web/10.99.0.21 has no connection left");
    expect(director.drain({ ...order, isBack: true }).outcomes).toEqual([
      { name: "web/10.99.0.21", text: "gets connections again" },
    ]);
    expect(kernel.services()[0]?.servers).toHaveLength(2);
  });

  test("leaves open connections until they end, or the time is up", () => {
    const { director, kernel, clock, said } = lab({ kernel: new FakeIpvs(busyTable()), owned: [key] });
    director.configure(plan(plannedService()));
    director.drain(order);
    expect(weights(kernel)).toEqual(["10.99.0.21 0", "10.99.0.22 1"]);
    expect(director.isWaiting).toBe(true);
    expect(director.status()[0]?.servers[0]).toMatchObject({ drain: "draining", weight: 0 });
    clock.advance(61_000);
    director.reconcile();
    expect(weights(kernel)).toEqual(["10.99.0.22 1"]);
    expect(said).toContain("notice: web/10.99.0.21 is taken out with 3 connections still open");
    expect(director.status()[0]?.servers[0]).toMatchObject({
      drain: "drained",
      isUp: true,
      cutConnections: 3,
    });
  });

  test("ends at once for no time, and not before its time for a very long one", () => {
    const busy = busyTable();
    for (const withinMs of [9_999_999 * 86_400_000, Number.MAX_VALUE, 0]) {
      const { director, kernel, clock } = lab({ kernel: new FakeIpvs(busy), owned: [key] });
      director.configure(plan(plannedService()));
      expect(director.drain({ ...order, withinMs }).refusal).toBeNull();
      clock.advance(10 * 365 * 86_400_000);
      director.reconcile();
      expect(weights(kernel)).toEqual(withinMs === 0 ? ["10.99.0.22 1"] : ["10.99.0.21 0", "10.99.0.22 1"]);
    }
  });

  test("goes on where a reload takes the service away for a while, and says so", () => {
    const busy = busyTable();
    const { director, kernel, book, said } = lab({ kernel: new FakeIpvs(busy), owned: [key] });
    director.configure(plan(plannedService()));
    director.drain(order);
    director.configure(plan(plannedService({ name: "shop" })));
    expect(weights(kernel)).toEqual(["10.99.0.21 1", "10.99.0.22 1"]);
    expect(said.filter((line) => line.includes("10.99.0.21"))).toContainEqual(
      "notice: web/10.99.0.21 is drained, and no server here any more: it is taken out again should it come back under this name",
    );
    expect(said).not.toContain("notice: web/10.99.0.21 has no connection left");
    expect(book.drains).toMatchObject([{ state: "draining" }]);
    director.configure(plan(plannedService()));
    expect(weights(kernel)).toEqual(["10.99.0.21 0", "10.99.0.22 1"]);
  });

  test("holds over a restart, whose process knows it from the book", () => {
    const since = "2026-01-01T00:00:00.000Z";
    const drains = [
      {
        service: "web",
        address: "10.99.0.21",
        port: null,
        since,
        until: since,
        state: "drained" as const,
        cut: 0,
      },
    ];
    const { director, kernel } = lab({ drains });
    director.configure(plan(plannedService()));
    expect(weights(kernel)).toEqual(["10.99.0.22 1"]);
  });

  test("refuses what it does not know, and does nothing then", () => {
    const { director, book } = lab();
    director.configure(plan(plannedService()));
    const refusalOf = (name: string): string | null =>
      director.drain({ ...order, servers: ["web/10.99.0.22", name] }).refusal;
    expect(refusalOf("web/10.99.0.77")).toBe(
      "there is no server web/10.99.0.77; the service has 10.99.0.21:80, 10.99.0.22:80",
    );
    expect(refusalOf("wob/10.99.0.21")).toBe(
      "there is no service or upstream wob on this node; there is web",
    );
    expect(refusalOf("10.99.0.21")).toBe('"10.99.0.21" names no server; write it as web/192.0.2.8');
    expect(book.drains).toEqual([]);
  });
});

describe("Director and time", () => {
  test("gives a server that comes back its weight bit by bit", () => {
    const servers = [plannedServer("10.99.0.21", { weight: 100, slowStartMs: 10_000 })];
    const { director, kernel, down, clock } = lab();
    director.configure(plan(plannedService({ servers })));
    expect(weights(kernel)).toEqual(["10.99.0.21 100"]);
    down.add("probe 21");
    director.reconcile();
    down.clear();
    const seen = [0, 2_500, 5_000, 10_000].map((at, index, all) => {
      clock.advance(at - (all[index - 1] ?? 0));
      director.reconcile();
      return weights(kernel)[0];
    });
    expect(seen).toEqual(["10.99.0.21 5", "10.99.0.21 25", "10.99.0.21 50", "10.99.0.21 100"]);
    expect(director.isWaiting).toBe(false);
  });

  test("waits no longer for a slow start that is over, whatever weight the server has by then", () => {
    const slow = { slowStartMs: 10_000 };
    for (const [server, isDrained] of [
      [plannedServer("10.99.0.21", { ...slow, weight: 0 }), false],
      [plannedServer("10.99.0.21", slow), true],
    ] as const) {
      const { director, down, clock } = lab();
      director.configure(plan(plannedService({ servers: [server, plannedServer("10.99.0.22")] })));
      down.add("probe 21");
      director.reconcile();
      down.clear();
      director.reconcile();
      if (isDrained) director.drain({ servers: ["web/10.99.0.21"], isBack: false, withinMs: 0 });
      expect(director.isWaiting).toBe(true);
      clock.advance(10_000);
      director.reconcile();
      expect(director.isWaiting).toBe(false);
    }
  });

  test("has nothing to wait for where a server that is damped starts at once", () => {
    const damping = { changes: 5, withinMs: 10_000, holdMs: 30_000 };
    const { director, down } = lab();
    director.configure(plan(plannedService({ damping })));
    down.add("probe 21");
    director.reconcile();
    down.clear();
    director.reconcile();
    expect(director.isWaiting).toBe(false);
  });

  test("lets a server that was kept out start slowly, at once if it is up and else when it comes back", () => {
    const damping = { changes: 2, withinMs: 10_000, holdMs: 30_000 };
    const servers = [plannedServer("10.99.0.21", { weight: 100, slowStartMs: 10_000 })];
    for (const isUp of [true, false]) {
      const { director, kernel, down, clock } = lab();
      director.configure(plan(plannedService({ damping, servers })));
      for (let time = 0; time < 2; time += 1) {
        down.add("probe 21");
        director.reconcile();
        if (isUp || time === 0) down.clear();
        director.reconcile();
      }
      clock.advance(30_000);
      // Whoever only looks ends nothing.
      director.status();
      expect(director.isWaiting).toBe(true);
      director.reconcile();
      expect(director.isWaiting).toBe(isUp);
      expect(weights(kernel)).toEqual(isUp ? ["10.99.0.21 5"] : []);
      down.clear();
      director.reconcile();
      expect(weights(kernel)).toEqual(["10.99.0.21 5"]);
    }
  });

  test("keeps a server out no longer when a plan comes without damping", () => {
    const damping = { changes: 1, withinMs: 10_000, holdMs: 30_000 };
    const servers = [plannedServer("10.99.0.21", { slowStartMs: 1_000 })];
    const { director, kernel, down, clock } = lab();
    director.configure(plan(plannedService({ damping, servers })));
    down.add("probe 21");
    director.reconcile();
    down.clear();
    director.reconcile();
    expect(weights(kernel)).toEqual([]);
    director.configure(plan(plannedService({ servers })));
    director.reconcile();
    expect(weights(kernel)).toEqual(["10.99.0.21 1"]);
    clock.advance(1_000);
    director.reconcile();
    expect(director.isWaiting).toBe(false);
  });

  test("keeps a server out that comes and goes", () => {
    const damping = { changes: 2, withinMs: 10_000, holdMs: 30_000 };
    const { director, kernel, down, clock, said } = lab();
    director.configure(plan(plannedService({ damping })));
    for (let time = 0; time < 2; time += 1) {
      down.add("probe 21");
      director.reconcile();
      down.clear();
      clock.advance(1_000);
      director.reconcile();
    }
    expect(weights(kernel)).toEqual(["10.99.0.22 1"]);
    expect(said).toContain(`warning: ${key} 10.99.0.21:80 fails too often: it is kept out for a while`);
    clock.advance(30_000);
    director.reconcile();
    expect(weights(kernel)).toEqual(["10.99.0.21 1", "10.99.0.22 1"]);
  });

  test("tells of the quorum, which hysteresis keeps", () => {
    const quorum = { weight: 2, hysteresis: 1, up: null, down: null, endsOnStop: true };
    const servers = ["21", "22", "23"].map((part) => plannedServer(`10.99.0.${part}`));
    const { director, down, told, said } = lab();
    director.configure(plan(plannedService({ quorum, servers })));
    down.add("probe 21").add("probe 22");
    director.reconcile();
    expect(told).toEqual(["web up"]);
    down.add("probe 23");
    director.reconcile();
    expect(told).toEqual(["web up", "web down"]);
    down.delete("probe 23");
    down.delete("probe 22");
    director.reconcile();
    expect(told).toEqual(["web up", "web down"]);
    down.clear();
    director.reconcile();
    expect(told).toEqual(["web up", "web down", "web up"]);
    expect(said).toContain(`notice: service web (${key}) has its quorum again`);
    director.stop();
    expect(told.at(-1)).toBe("web down");
  });

  test("tells that a service ends which a reload no longer has, before those that come in its place", () => {
    const quorum = { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: true };
    const { director, down, told } = lab();
    const gone = plannedService({ name: "old", address: "10.99.0.102", quorum });
    director.configure(plan(plannedService({ quorum }), gone));
    director.configure(plan(plannedService({ quorum }), { ...gone, scheduler: "lblc" }));
    expect(told).toEqual(["web up", "old up"]);
    director.configure(plan(plannedService({ quorum }), plannedService({ name: "new", port: 81 })));
    expect(told.slice(2)).toEqual(["old down", "new up"]);
    down.add("probe 21").add("probe 22");
    director.reconcile();
    director.configure(plan());
    expect(told.slice(4).toSorted()).toEqual(["new down", "web down"]);
  });
});
