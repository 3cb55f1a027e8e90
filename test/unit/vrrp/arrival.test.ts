import { describe, expect, test } from "bun:test";
import type { Prefix } from "../../../src/base/address.ts";
import { type ArrivalRules, judgeArrival } from "../../../src/vrrp/arrival.ts";

const lb2 = { name: "lb2", address: "192.0.2.11", identity: "192.0.2.11" };
const far = { name: "203.0.113.9", address: "203.0.113.9", identity: "203.0.113.9" };
const multicast: ArrivalRules = {
  interface: "eth0",
  source: "192.0.2.10",
  isHeartbeat: false,
  unicast: null,
  expected: [lb2],
  networks: () => [{ address: "192.0.2.10", length: 24 }],
};
const unicast: ArrivalRules = {
  ...multicast,
  unicast: { ttl: null, checksSource: true },
  expected: [lb2, far],
};
const heartbeat: ArrivalRules = {
  ...multicast,
  interface: "eth1",
  source: "192.0.3.10",
  isHeartbeat: true,
  expected: [{ name: "lb2", address: "192.0.3.11", identity: "192.0.2.11" }],
};

const network6: readonly Prefix[] = [{ address: "2001:db8::10", length: 64 }];

function over6(address: string): ArrivalRules {
  const expected = [{ name: address, address, identity: address }];
  return { ...unicast, source: "2001:db8::10", expected, networks: () => network6 };
}

function verdict(rules: ArrivalRules, source: string, destination: string): string {
  const arrival = judgeArrival(rules, { source, destination });
  if (arrival.kind === "dropped") return `dropped ${arrival.remark.kind}: ${arrival.remark.explanation}`;
  const { name, identity, ttl } = arrival;
  return `${name} as ${identity}, TTL ${ttl.min}-${ttl.max}`;
}

describe("judgeArrival", () => {
  test("admits anybody by multicast who has passed no router", () => {
    expect(verdict(multicast, "192.0.2.11", "224.0.0.18")).toBe("lb2 as 192.0.2.11, TTL 255-255");
    expect(verdict(multicast, "192.0.2.66", "224.0.0.18")).toBe("192.0.2.66 as 192.0.2.66, TTL 255-255");
  });

  test("drops multicast where peers speak one by one, and the reverse", () => {
    expect(verdict(unicast, "192.0.2.11", "224.0.0.18")).toStartWith("dropped multicast: ");
    expect(verdict(multicast, "192.0.2.11", "192.0.2.10")).toStartWith("dropped unicast: ");
    expect(verdict({ ...unicast, source: "fe80::1" }, "fe80::2", "ff02::12")).toStartWith(
      "dropped multicast: ",
    );
  });

  test("believes peers alone unless told otherwise", () => {
    const anybody: ArrivalRules = { ...unicast, unicast: { ttl: null, checksSource: false } };
    expect(verdict(unicast, "192.0.2.66", "192.0.2.10")).toBe(
      "dropped source: its source is none of our peers",
    );
    expect(verdict(anybody, "192.0.2.66", "192.0.2.10")).toBe("192.0.2.66 as 192.0.2.66, TTL 255-255");
  });

  test("lets our own echo pass, for which reception has a word of its own", () => {
    expect(verdict(unicast, "192.0.2.10", "192.0.2.10")).toStartWith("192.0.2.10");
    expect(verdict(heartbeat, "192.0.3.10", "224.0.0.18")).toStartWith("192.0.3.10");
  });

  test("asks for TTL 255 from the interface's networks, and takes any from elsewhere unless told", () => {
    const ranged: ArrivalRules = { ...unicast, unicast: { ttl: { min: 250, max: 252 }, checksSource: true } };
    expect(verdict(unicast, "192.0.2.11", "192.0.2.10")).toEndWith("TTL 255-255");
    expect(verdict(unicast, "203.0.113.9", "192.0.2.10")).toEndWith("TTL 1-255");
    for (const source of ["192.0.2.11", "203.0.113.9"]) {
      expect(verdict(ranged, source, "192.0.2.10")).toEndWith("TTL 250-252");
    }
  });

  test("takes any hop limit from a link-local IPv6 address, which no router forwards, and 255 from others near", () => {
    expect(verdict(over6("fe80::2"), "fe80::2", "fe80::1")).toEndWith("TTL 1-255");
    expect(verdict(over6("2001:db8::11"), "2001:db8::11", "2001:db8::10")).toEndWith("TTL 255-255");
    expect(verdict(over6("2001:db8:1::11"), "2001:db8:1::11", "2001:db8::10")).toEndWith("TTL 1-255");
  });

  test("takes a node on a heartbeat for what it is on the router's own interface", () => {
    expect(verdict(heartbeat, "192.0.3.11", "224.0.0.18")).toBe("lb2 as 192.0.2.11, TTL 255-255");
  });

  test("believes nobody on a heartbeat who is no node of the router", () => {
    for (const rules of [heartbeat, { ...heartbeat, unicast: { ttl: null, checksSource: false } }]) {
      const destination = rules.unicast === null ? "224.0.0.18" : "192.0.3.10";
      expect(verdict(rules, "192.0.3.66", destination)).toBe(
        "dropped source: it came over the heartbeat on eth1, and no node of this router has that address there",
      );
    }
  });
});
