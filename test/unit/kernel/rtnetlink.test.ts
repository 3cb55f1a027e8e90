import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { messageType, type NetlinkMessage } from "../../../src/kernel/netlink/message.ts";
import { addressProtocol, parseRouteEvent, RouteNetlink } from "../../../src/kernel/rtnetlink.ts";
import { addressPayload, routePayload } from "../../../src/kernel/route-messages.ts";
import { acknowledge, done, FakeNetlink, reply, type FakeAnswer } from "../../support/fake-netlink.ts";

const vip = {
  linkIndex: 2,
  address: "192.0.2.100",
  prefixLength: 32,
  label: null,
  scope: 0,
  protocol: addressProtocol.vrrp,
} as const;
const route = {
  destination: { address: "192.0.2.100", length: 32 },
  linkIndex: 1,
  table: 254,
  scope: 254,
  protocol: 0x46,
  type: 1,
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

  test("gives null for what it does not know or cannot read", () => {
    expect(parseRouteEvent(message(24, routePayload(route)))).toBeNull();
    expect(parseRouteEvent(message(16, new Uint8Array(4)))).toBeNull();
    expect(parseRouteEvent(message(20, new Uint8Array(4)))).toBeNull();
  });
});
