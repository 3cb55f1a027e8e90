import { describe, expect, test } from "bun:test";
import type { InterfaceAddress, Link } from "../../../../src/kernel/rtnetlink.ts";
import { gatewayPlace } from "../../../../src/vrrp/tracks/gateway-place.ts";

const link = (index: number, name: string, more: Partial<Link> = {}): Link => ({
  index,
  name,
  mac: Uint8Array.of(2, 0, 0, 0, 0, index),
  isUp: true,
  hasCarrier: true,
  mtu: 1500,
  ...more,
});
const own = (linkIndex: number, address: string, prefixLength: number): InterfaceAddress => {
  const common = { label: null, scope: 0, protocol: 0, readiness: "ready" } as const;
  return { linkIndex, address, prefixLength, ...common };
};

const links = [link(2, "eth0"), link(3, "eth1"), link(4, "tun0", { mac: new Uint8Array() })];
const addresses = [
  own(2, "192.0.2.100", 24),
  own(2, "192.0.2.10", 24),
  own(2, "fe80::10", 64),
  own(2, "2001:db8::10", 64),
  own(3, "198.51.100.10", 24),
  own(4, "203.0.113.1", 30),
];
const interfaces = {
  all: () => addresses,
  on: (index: number) => addresses.filter(({ linkIndex }) => linkIndex === index),
  linkAt: (index: number) => links.find((one) => one.index === index) ?? null,
  linkNamed: (name: string) => links.find((one) => one.name === name) ?? null,
};

function placeOf(
  address: string,
  more: Partial<Parameters<typeof gatewayPlace>[0]> = {},
): ReturnType<typeof gatewayPlace> {
  const plan = { address, method: "neighbour", interface: null, ...more } as const;
  return gatewayPlace(plan, interfaces, ({ address: mine }) => mine === "192.0.2.100");
}

describe("gatewayPlace", () => {
  test("finds the link whose network the address is in, and an own address there that is not virtual", () => {
    expect(placeOf("192.0.2.1")).toMatchObject({ linkIndex: 2, address: "192.0.2.10" });
    expect(placeOf("198.51.100.1")).toMatchObject({ linkIndex: 3, address: "198.51.100.10" });
    expect(placeOf("2001:db8::1")).toMatchObject({ linkIndex: 2, address: "2001:db8::10" });
  });

  test("asks on the link that is named, from the nearest address there", () => {
    expect(placeOf("192.0.2.1", { interface: "eth1" })).toMatchObject({ address: "198.51.100.10" });
    expect(placeOf("fe80::1", { interface: "eth0" })).toMatchObject({ address: "fe80::10" });
  });

  test("leaves a ping that no link is near to the routes", () => {
    const nowhere = { method: "ping", interface: null, source: null } as const;
    expect(placeOf("203.0.114.1", { method: "ping" })).toEqual(nowhere);
    expect(placeOf("192.0.2.1", { method: "ping" })).toEqual({ ...nowhere, source: "192.0.2.10" });
    expect(placeOf("192.0.2.1", { method: "ping", interface: "eth0" })).toMatchObject({ interface: "eth0" });
  });

  test("says what is in the way", () => {
    expect(placeOf("203.0.114.1")).toBe("no interface has an own address in the network of 203.0.114.1");
    expect(placeOf("192.0.2.1", { interface: "eth9" })).toBe("interface eth9 does not exist");
    expect(placeOf("203.0.113.2")).toBe('interface tun0 is no Ethernet: write method = "ping"');
    expect(placeOf("2001:db8:1::1", { interface: "eth1" })).toBe(
      "interface eth1 has no own address to ask 2001:db8:1::1 from",
    );
    links[1] = link(3, "eth1", { hasCarrier: false });
    expect(placeOf("198.51.100.1")).toBe("interface eth1 has no carrier");
    links[1] = link(3, "eth1");
  });
});
