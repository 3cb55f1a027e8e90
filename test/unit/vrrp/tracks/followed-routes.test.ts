import { describe, expect, test } from "bun:test";
import type { SeenRoute } from "../../../../src/kernel/route-sightings.ts";
import type { Link } from "../../../../src/kernel/rtnetlink.ts";
import { afterNews, routesSight } from "../../../../src/vrrp/tracks/followed-routes.ts";

const route = (more: Partial<SeenRoute> = {}): SeenRoute => ({
  table: 254,
  tos: 0,
  metric: 0,
  type: 1,
  protocol: 3,
  hops: [{ linkIndex: 2, gateway: "192.0.2.1" }],
  ...more,
});
const elsewhere = route({ hops: [{ linkIndex: 3, gateway: "192.0.3.1" }] });
const worse = route({ metric: 100, hops: [{ linkIndex: 3, gateway: "192.0.3.1" }] });

const link = (index: number, more: Partial<Link> = {}): Link => ({
  index,
  name: `eth${index}`,
  mac: new Uint8Array(6),
  isUp: true,
  hasCarrier: true,
  mtu: 1500,
  ...more,
});

describe("afterNews()", () => {
  test("adds, replaces and removes what is told without doubt", () => {
    expect(afterNews([], { kind: "added", route: route() })).toEqual({ routes: [route()], isSure: true });
    expect(afterNews([route()], { kind: "added", route: worse })).toEqual({
      routes: [route(), worse],
      isSure: true,
    });
    expect(afterNews([worse, route()], { kind: "replaced", route: elsewhere })).toEqual({
      routes: [worse, elsewhere],
      isSure: true,
    });
    expect(afterNews([route(), worse], { kind: "removed", route: route() })).toEqual({
      routes: [worse],
      isSure: true,
    });
  });

  test("takes the same news twice", () => {
    expect(afterNews([route()], { kind: "added", route: route() })).toEqual({
      routes: [route()],
      isSure: true,
    });
    expect(afterNews([], { kind: "removed", route: route() })).toEqual({ routes: [], isSure: true });
  });

  test("does not guess about several routes of one rank", () => {
    expect(afterNews([route()], { kind: "added", route: elsewhere }).isSure).toBe(false);
    expect(afterNews([route(), elsewhere], { kind: "replaced", route: elsewhere }).isSure).toBe(false);
    expect(afterNews([route()], { kind: "removed", route: elsewhere }).isSure).toBe(false);
  });
});

describe("routesSight()", () => {
  const links = [link(2), link(3), link(4, { hasCarrier: false })];
  const interfaces = { linkAt: (index: number) => links.find((one) => one.index === index) ?? null };
  const plan = { destination: { address: "0.0.0.0", length: 0 }, table: 254, via: null, interface: null };
  const sight = (routes: readonly SeenRoute[], more: Partial<typeof plan> | object = {}): string => {
    const { isUp, text } = routesSight({ ...plan, ...more }, routes, interfaces);
    return `${isUp ? "up" : "down"}: ${text}`;
  };

  test("wants a route that leads somewhere", () => {
    expect(sight([])).toBe("down: there is no route to 0.0.0.0/0");
    expect(sight([], { table: 100 })).toBe("down: there is no route to 0.0.0.0/0 in table 100");
    expect(sight([route()])).toBe("up: route to 0.0.0.0/0 goes via 192.0.2.1 on eth2");
    expect(sight([route({ hops: [{ linkIndex: 2, gateway: null }] })])).toBe(
      "up: route to 0.0.0.0/0 goes through eth2",
    );
    expect(sight([route({ type: 6 }), route({ type: 7 })])).toBe(
      "down: route to 0.0.0.0/0 drops what is sent there",
    );
  });

  test("wants one way of several over a link that works", () => {
    const dead = { linkIndex: 4, gateway: "192.0.4.1" };
    expect(sight([route({ hops: [dead] })])).toBe(
      "down: route to 0.0.0.0/0 leads nowhere: interface eth4 has no carrier",
    );
    expect(sight([route({ hops: [dead, { linkIndex: 3, gateway: null }] })])).toBe(
      "up: route to 0.0.0.0/0 goes through eth3",
    );
    expect(sight([route({ hops: [{ linkIndex: 9, gateway: null }] })])).toBe(
      "down: route to 0.0.0.0/0 leads nowhere: interface #9 does not exist",
    );
  });

  test("wants the router and the interface that are asked for", () => {
    expect(sight([elsewhere, route()], { via: "192.0.2.1" })).toStartWith("up");
    expect(sight([route()], { interface: "eth2" })).toStartWith("up");
    expect(sight([route()], { via: "192.0.3.1" })).toBe(
      "down: route to 0.0.0.0/0 goes another way: via 192.0.2.1 on eth2",
    );
    expect(sight([route()], { interface: "eth3" })).toBe(
      "down: route to 0.0.0.0/0 goes another way: via 192.0.2.1 on eth2",
    );
  });
});
