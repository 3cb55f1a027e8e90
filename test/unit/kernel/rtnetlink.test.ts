import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { messageType, type NetlinkMessage } from "../../../src/kernel/netlink/message.ts";
import { addressProtocol, parseRouteEvent, RouteNetlink } from "../../../src/kernel/rtnetlink.ts";
import { routePayload, rulePayload } from "../../../src/kernel/fib-messages.ts";
import { addressPayload } from "../../../src/kernel/route-messages.ts";
import { acknowledge, done, FakeNetlink, reply, type FakeAnswer } from "../../support/fake-netlink.ts";

const vip = {
  linkIndex: 2,
  address: "192.0.2.100",
  prefixLength: 32,
  label: null,
  scope: 0,
  protocol: addressProtocol.vrrp,
  readiness: "ready",
} as const;
const route = {
  destination: { address: "192.0.2.100", length: 32 },
  linkIndex: 1,
  table: 254,
  scope: 254,
  protocol: 0x46,
  type: 1,
  gateway: null,
  source: null,
  metric: 0,
  isOnLink: false,
} as const;

const kernel = (
  answer: (request: NetlinkMessage) => FakeAnswer,
): { readonly fake: FakeNetlink; readonly netlink: RouteNetlink } => {
  const fake = new FakeNetlink(answer);
  return { fake, netlink: RouteNetlink.over(fake.connection()) };
};
const refusing = (errno: number) => kernel((request) => [[acknowledge(request, errno)]]).netlink;

describe("addAddress()", () => {
  test("creates and never replaces", () => {
    const { fake, netlink } = kernel((request) => [[acknowledge(request)]]);
    expect(netlink.addAddress(vip)).toBe("added");
    // NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE.
    expect(fake.requests.map(({ type, flags }) => [type, flags])).toEqual([[20, 0x605]]);
  });

  test("says so when the address exists", () => {
    expect(refusing(17).addAddress(vip)).toBe("exists");
  });

  test("tries again without the tag when the kernel refuses it", () => {
    const { fake, netlink } = kernel((request) => {
      const isTagged = toHex(request.payload).includes("05000b0045");
      return [[acknowledge(request, isTagged ? 22 : 0)]];
    });
    expect(netlink.addAddress(vip)).toBe("added");
    expect(fake.requests.length).toBe(2);
  });

  test("throws when the kernel refuses without the tag too", () => {
    expect(() => refusing(22).addAddress(vip)).toThrow("RTM_NEWADDR 192.0.2.100/32: EINVAL");
    expect(() => refusing(1).addAddress(vip)).toThrow("RTM_NEWADDR 192.0.2.100/32: EPERM");
  });
});

describe("removing", () => {
  test("removeAddress() says so when there was nothing", () => {
    expect(refusing(0).removeAddress(vip)).toBe("removed");
    expect(refusing(99).removeAddress(vip)).toBe("absent");
    expect(refusing(19).removeAddress(vip)).toBe("absent");
    expect(() => refusing(1).removeAddress(vip)).toThrow("EPERM");
  });

  test("removeRoute() says so when there was nothing", () => {
    expect(refusing(0).removeRoute(route)).toBe("removed");
    expect(refusing(3).removeRoute(route)).toBe("absent");
    expect(refusing(19).removeRoute(route)).toBe("absent");
  });
});

describe("routes", () => {
  test("addRoute() says whether the route was there", () => {
    expect(refusing(0).addRoute(route)).toBe("added");
    expect(refusing(17).addRoute(route)).toBe("exists");
    expect(() => refusing(101).addRoute(route)).toThrow("RTM_NEWROUTE 192.0.2.100/32: ENETUNREACH");
  });

  test("routes() lists one table of both families, also where the kernel does not filter", () => {
    const { fake, netlink } = kernel((request) =>
      request.payload[0] === 2
        ? [
            [
              reply(request, 24, routePayload(route), 2),
              reply(request, 24, routePayload({ ...route, table: 255 }), 2),
              done(request),
            ],
          ]
        : [[done(request)]],
    );
    expect(netlink.routes(254)).toEqual([route]);
    expect(fake.requests.map((request) => request.payload[0])).toEqual([2, 10]);
  });

  test("routes() of a table that does not exist is empty", () => {
    const { netlink } = kernel((request) => [[acknowledge(request, 2)]]);
    expect(netlink.routes(4000)).toEqual([]);
  });
});

const rule = {
  family: 4,
  priority: 500,
  from: { address: "192.0.2.100", length: 32 },
  to: null,
  inputLink: null,
  outputLink: null,
  mark: null,
  table: 1000,
  action: 1,
  protocol: 0x45,
} as const;

describe("apply()", () => {
  test("sends many changes in one datagram, asks for one answer, and tells what became of each", () => {
    const { fake, netlink } = kernel((request) => {
      const errno = { 20: 17, 24: 101 }[request.type] ?? 0;
      const isAsked = (request.flags & 0x4) !== 0;
      return errno !== 0 || isAsked ? [[acknowledge(request, errno)]] : [];
    });
    const outcomes = netlink.apply([
      { kind: "add-address", address: vip },
      { kind: "add-route", route },
      { kind: "add-rule", rule },
      { kind: "remove-rule", rule },
      { kind: "remove-address", address: vip },
    ]);
    expect(outcomes.map((outcome) => (outcome instanceof Error ? outcome.message : outcome))).toEqual([
      "idle",
      "RTM_NEWROUTE 192.0.2.100/32: ENETUNREACH",
      "done",
      "done",
      "done",
    ]);
    expect(fake.requests.map(({ type, flags }) => [type, flags])).toEqual([
      [20, 0x601],
      [24, 0x601],
      [32, 0x601],
      [33, 0x1],
      [21, 0x5],
    ]);
  });

  test("divides what is too long for one datagram, and does nothing for nothing", () => {
    const { fake, netlink } = kernel((request) =>
      (request.flags & 0x4) === 0 ? [] : [[acknowledge(request)]],
    );
    const changes = Array.from({ length: 300 }, () => ({ kind: "add-address", address: vip }) as const);
    expect(netlink.apply(changes)).toEqual(changes.map(() => "done"));
    expect(fake.requests.filter(({ flags }) => (flags & 0x4) !== 0).length).toBe(3);
    expect(netlink.apply([])).toEqual([]);
  });

  test("throws when the kernel does not answer", () => {
    const { netlink } = kernel(() => []);
    expect(() => netlink.apply([{ kind: "add-rule", rule }])).toThrow("RTM_NEWRULE 500: ETIMEDOUT");
  });
});

test("rules() and taggedRoutes() list what the kernel dumps", () => {
  const { netlink } = kernel((request) => {
    if (request.payload[0] !== 2) return [[acknowledge(request, 95)]];
    const payload = request.type === 34 ? rulePayload(rule) : routePayload(route);
    return [[reply(request, request.type - 2, payload, 2), done(request)]];
  });
  expect(netlink.rules()).toEqual([rule]);
  expect(netlink.taggedRoutes(0x46)).toEqual([route]);
  expect(netlink.taggedRoutes(0x45)).toEqual([]);
});

test("addresses() lists what the kernel dumps", () => {
  const { netlink } = kernel((request) => [
    [reply(request, 20, addressPayload(vip, true), 2), reply(request, messageType.noop, new Uint8Array())],
    [done(request)],
  ]);
  expect(netlink.addresses()).toEqual([vip]);
});

const message = (type: number, payload: Uint8Array): NetlinkMessage => ({
  type,
  flags: 0,
  sequence: 0,
  port: 0,
  payload,
});

describe("parseRouteEvent()", () => {
  const link = fromHex("0000010002000000 03100000 00000000 09000300 6574683200000000");

  test("tells links and addresses that come and go", () => {
    expect(parseRouteEvent(message(16, link))).toMatchObject({ kind: "link", isGone: false });
    expect(parseRouteEvent(message(17, link))).toMatchObject({ kind: "link", isGone: true });
    const payload = addressPayload(vip, true);
    expect(parseRouteEvent(message(20, payload))).toEqual({ kind: "address", address: vip, isGone: false });
    expect(parseRouteEvent(message(21, payload))).toEqual({ kind: "address", address: vip, isGone: true });
  });

  test("tells routes and rules that come and go", () => {
    expect(parseRouteEvent(message(25, routePayload(route)))).toEqual({ kind: "route", route, isGone: true });
    expect(parseRouteEvent(message(32, rulePayload(rule)))).toEqual({ kind: "rule", rule, isGone: false });
  });

  test("gives null for what it does not know or cannot read", () => {
    expect(parseRouteEvent(message(28, routePayload(route)))).toBeNull();
    expect(parseRouteEvent(message(16, new Uint8Array(4)))).toBeNull();
    expect(parseRouteEvent(message(20, new Uint8Array(4)))).toBeNull();
  });
});
