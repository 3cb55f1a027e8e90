import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  isSameRoute,
  parseRoute,
  parseRule,
  routeDump,
  routePayload,
  ruleDump,
  ruleKey,
  rulePayload,
} from "../../../src/kernel/fib-messages.ts";
import { parseMessages } from "../../../src/kernel/netlink/message.ts";

// A datagram of Linux 6.18: a route dump.
const routeDumpAnswer =
  "3c000000 1800 2200 08000000 5915c9db 02180000fe02fd0100000000 08000f00fe000000 08000100c0000200 08000700c0000264" +
  "0800040002000000" +
  "34000000 1800 2200 08000000 5915c9db 02200000fe45fd0100000000 08000f00fe000000 08000100c0000264 0800040002000000";

const payloads = (hex: string): Uint8Array[] => parseMessages(fromHex(hex)).map((message) => message.payload);

describe("routes", () => {
  const route = {
    destination: { address: "192.0.2.100", length: 32 },
    linkIndex: 2,
    table: 254,
    scope: 253,
    protocol: 0x45,
    type: 1,
    gateway: null,
    source: null,
    metric: 0,
    isOnLink: false,
  } as const;

  test("routePayload() writes what the kernel takes for a host route", () => {
    expect(toHex(routePayload(route))).toBe(
      "02200000fe45fd010000000008000100c0000264080004000200000008000f00fe000000",
    );
  });

  test("a table above 255 is in the attribute alone", () => {
    expect(toHex(routeDump(2, 1000, 0))).toBe("02000000000000000000000008000f00e8030000");
    expect(parseRoute(routePayload({ ...route, table: 1000 }))).toEqual({ ...route, table: 1000 });
  });

  test("parseRoute() reads a dump of the kernel's", () => {
    expect(payloads(routeDumpAnswer).map(parseRoute)).toEqual([
      {
        ...route,
        destination: { address: "192.0.2.0", length: 24 },
        protocol: 2,
        source: "192.0.2.100",
      },
      route,
    ]);
  });

  test("parseRoute() reads a default route without link as such", () => {
    expect(parseRoute(fromHex("0a000000fe03000100000000"))).toMatchObject({
      destination: { address: "::", length: 0 },
      linkIndex: 0,
      table: 254,
    });
  });

  test("parseRoute() passes over cached routes and other families", () => {
    expect(parseRoute(fromHex("02200000fe02fd0100020000 08000100c0000264"))).toBeNull();
    expect(parseRoute(fromHex("1c000000fe02fd0100000000"))).toBeNull();
  });
});

// What the requests of iproute2 6.1 carry, in this project's order of attributes; the kernel minds none.
describe("routes as iproute2 writes them", () => {
  const plain = { gateway: null, source: null, metric: 0, isOnLink: false, scope: 0, type: 1 } as const;
  test("a gateway with source, metric, onlink and a table above 255", () => {
    const request = {
      ...plain,
      destination: { address: "198.51.100.0", length: 24 },
      linkIndex: 3,
      gateway: "192.0.2.1",
      source: "192.0.2.10",
      metric: 50,
      table: 1000,
      protocol: 0x45,
      isOnLink: true,
    };
    const written = fromHex(
      "021800000045000104000000 08000100c6336400 08000500c0000201 08000700c000020a 0800060032000000" +
        "08000f00e8030000 0800040003000000",
    );
    expect(sorted(routePayload(request))).toEqual(sorted(written));
    expect(parseRoute(written)).toEqual(request);
  });

  test("a black hole has no interface", () => {
    const request = {
      ...plain,
      destination: { address: "203.0.113.0", length: 24 },
      linkIndex: 0,
      table: 254,
      protocol: 0x45,
      type: 6,
    };
    expect(toHex(routePayload(request))).toBe("02180000fe4500060000000008000100cb00710008000f00fe000000");
    expect(parseRoute(fromHex("02180000fe4500060000000008000100cb007100"))).toEqual(request);
  });

  test("an IPv6 gateway", () => {
    const request = {
      ...plain,
      destination: { address: "2001:db8:1::", length: 48 },
      linkIndex: 3,
      gateway: "2001:db8::1",
      table: 254,
      protocol: 0x45,
    };
    const written =
      "0a300000fe45000100000000 1400010020010db8000100000000000000000000 1400050020010db8000000000000000000000001" +
      "0800040003000000";
    expect(parseRoute(fromHex(written))).toEqual(request);
    expect(toHex(routePayload(request))).toBe(`${toHex(fromHex(written))}08000f00fe000000`);
  });

  test("isSameRoute() passes over what the kernel fills in for IPv6", () => {
    const hole = {
      ...plain,
      destination: { address: "2001:db8:2::", length: 48 },
      linkIndex: 0,
      table: 254,
      protocol: 0x45,
      type: 7,
      metric: 1024,
    };
    expect(isSameRoute(hole, { ...hole, linkIndex: 1, scope: 253, protocol: 3 })).toBe(true);
    expect(isSameRoute(hole, { ...hole, metric: 1 })).toBe(false);
    expect(isSameRoute({ ...hole, type: 1 }, { ...hole, type: 1, linkIndex: 1 })).toBe(false);
  });
});

describe("rules", () => {
  const all = {
    family: 4,
    priority: 500,
    from: { address: "192.0.2.100", length: 32 },
    to: { address: "10.0.0.0", length: 8 },
    inputLink: "lo",
    outputLink: "d0",
    mark: { value: 0x10, mask: 0xff },
    table: 1000,
    action: 1,
    protocol: 0x45,
  } as const;
  const none = { from: null, to: null, inputLink: null, outputLink: null, mark: null } as const;

  test("rulePayload() writes what iproute2 writes", () => {
    expect(toHex(rulePayload(all))).toBe(
      toHex(
        fromHex(
          "020820000000000100000000 08000200c0000264 080001000a000000 070003006c6f0000 0700110064300000" +
            "08000a0010000000 08001000ff000000 08000f00e8030000 08000600f4010000 0500150045000000",
        ),
      ),
    );
  });

  test("rulePayload() writes an IPv6 rule, and one that refuses", () => {
    const from = { address: "2001:db8::100", length: 128 };
    expect(toHex(rulePayload({ ...all, ...none, family: 6, from, priority: 501 }))).toBe(
      "0a0080000000000100000000" +
        "1400020020010db8000000000000000000000100" +
        "08000f00e8030000" +
        "08000600f5010000" +
        "0500150045000000",
    );
    const host = { address: "192.0.2.9", length: 32 };
    expect(
      toHex(rulePayload({ ...all, ...none, from: host, priority: 502, action: 6, table: 0, protocol: 0 })),
    ).toBe("02002000000000060000000008000200c000020908000600f6010000");
  });

  test("parseRule() returns what rulePayload() wrote, and null for other families", () => {
    expect(parseRule(rulePayload(all))).toEqual(all);
    expect(parseRule(fromHex("1c00200000000006000000000800"))).toBeNull();
    expect(toHex(ruleDump(10))).toBe("0a0000000000000000000000");
  });

  test("ruleKey() passes over the tag alone", () => {
    expect(ruleKey({ ...all, protocol: 0 })).toBe(ruleKey(all));
    expect(ruleKey({ ...all, priority: 1 })).not.toBe(ruleKey(all));
  });
});

test("every parser takes any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      parseRoute(bytes);
      parseRule(bytes);
    }),
  );
});

/** Gives the header and the attributes of a payload, whatever their order was. */
function sorted(payload: Uint8Array): readonly string[] {
  return [toHex(payload.subarray(0, 12)), ...attributes(payload.subarray(12)).toSorted()];
}

/** Cuts a payload into its attributes, each as hexadecimal digits. */
function attributes(bytes: Uint8Array): readonly string[] {
  if (bytes.length === 0) return [];
  const length = (((bytes[0] ?? 0) + 3) & ~3) >>> 0;
  return [toHex(bytes.subarray(0, length)), ...attributes(bytes.subarray(length))];
}
