import { describe, expect, test } from "bun:test";
import { authenticationOf } from "../../../src/vrrp/packet.ts";
import type { FindingCode } from "../../../src/watch/complaint.ts";
import type { FrameWish } from "../../support/vrrp-frame.ts";
import { routers, Wire } from "./analyst-cases.ts";

const { a, b } = routers;

describe("one advertisement alone", () => {
  const cases: readonly (readonly [FrameWish, FindingCode, string])[] = [
    [{ ttl: 254 }, "ttl", "192.0.2.11 sends with a TTL of 254, not 255: every router drops it"],
    [
      { ttl: 64, destination: "192.0.2.12" },
      "ttl",
      "192.0.2.11 sends with a TTL of 64, not 255: routers in the same network drop it",
    ],
    [
      { priority: 255 },
      "owner",
      "192.0.2.11 claims to own 192.0.2.100 (priority 255), and its source is none of them",
    ],
    [
      { source: "fe80::11", addresses: ["2001:db8::100"] },
      "link-local",
      "the first address of fe80::11, 2001:db8::100, is not link-local as RFC 9568 §5.2.9 wants it",
    ],
    [
      { change: (message) => message.with(6, 0x12).with(7, 0x34) },
      "malformed",
      "what 192.0.2.11 sends is malformed and dropped: its checksum is 0x1234 and should be 0xa1c1 (with pseudo-header) or 0x445c (without)",
    ],
    [
      { change: (message) => message.subarray(0, 10) },
      "malformed",
      "what 192.0.2.11 sends is malformed and dropped: it has 10 bytes where 1 addresses need 12",
    ],
    [
      { change: (message) => message.with(0, 0x51) },
      "malformed",
      "what 192.0.2.11 sends is malformed and dropped: its version is 5",
    ],
    [
      { change: (message) => message.with(0, 0x33) },
      "malformed",
      "what 192.0.2.11 sends is malformed and dropped: its type is 3, not 1",
    ],
  ];
  for (const [wish, code, text] of cases) {
    test(`${code}: ${text}`, () => {
      const wire = new Wire();
      wire.rounds(3, wish);
      expect(wire.found(code).map((found) => found.text)).toEqual([text]);
      expect(wire.said("finding")).toEqual([code]);
      expect(wire.summary.findings[0]?.finding.count).toBe(3);
    });
  }

  test("an owner whose source is its address, and a sound IPv6 router, are fine", () => {
    const wire = new Wire();
    wire.rounds(3, { priority: 255, source: "192.0.2.100" }, { source: "fe80::11" });
    expect(wire.said("finding")).toEqual([]);
  });

  test("a fault that is gone is over, and news when it comes again", () => {
    const wire = new Wire();
    for (const ttl of [254, 255, 254]) wire.rounds(2, { ttl });
    expect(wire.said("finding")).toEqual(["ttl", "ttl"]);
    expect(wire.said("over")).toEqual(["ttl"]);
  });
});

describe("two routers of one VRID", () => {
  const v2 = { version: 2, intervalMs: 1000 } as const;
  const cases: readonly (readonly [string, FrameWish, FrameWish, FindingCode, string])[] = [
    ["versions", {}, v2, "version-differs", "speaks version 3 and 192.0.2.12 version 2: neither believes"],
    ["intervals", {}, { intervalMs: 200 }, "interval-differs", "every 100 ms and 192.0.2.12 every 200 ms"],
    [
      "intervals of version 2",
      v2,
      { ...v2, intervalMs: 2000 },
      "interval-differs",
      "every 1 s and 192.0.2.12 every 2 s: in version 2 neither believes the other",
    ],
    [
      "passwords",
      { ...v2, auth: authenticationOf("one") },
      { ...v2, auth: authenticationOf("two") },
      "authentication-differs",
      "192.0.2.11 and 192.0.2.12 send different passwords",
    ],
    [
      "a password and none",
      { ...v2, auth: authenticationOf("one") },
      v2,
      "authentication-differs",
      "192.0.2.11 authenticates with PASS and 192.0.2.12 with none",
    ],
    [
      "groups",
      {},
      { destination: "224.0.0.19" },
      "group-differs",
      "to 224.0.0.18 and 192.0.2.12 to 224.0.0.19",
    ],
    [
      "unicast",
      {},
      { destination: "192.0.2.11" },
      "group-differs",
      "192.0.2.11 advertises by multicast and 192.0.2.12 by unicast",
    ],
    [
      "equal priorities",
      {},
      { priority: 200 },
      "equal-priority",
      "both have priority 200: the higher address wins",
    ],
    ["two owners", { priority: 255 }, { priority: 255 }, "two-owners", "both claim to own the addresses"],
    [
      "lists",
      {},
      { addresses: ["192.0.2.100", "192.0.2.101"] },
      "list-differs",
      "different addresses: only 192.0.2.12 has 192.0.2.101",
    ],
    [
      "checksums",
      {},
      { form: "message-only" },
      "checksum-differs",
      "192.0.2.11 sums with the pseudo-header and 192.0.2.12 without it",
    ],
  ];
  for (const [name, one, other, code, text] of cases) {
    test(`differ in ${name}`, () => {
      const wire = new Wire();
      wire.advert({ ...a, ...one });
      wire.advert({ ...b, ...other });
      const [found] = wire.found(code);
      expect(found?.text).toContain(text);
      expect(found?.about).toEqual(["192.0.2.11", "192.0.2.12"]);
      // Who spoke last makes no difference, and once they agree it is over.
      wire.advert({ ...a, ...one });
      expect(wire.found(code)).toHaveLength(1);
      wire.advert({ ...b, ...one, priority: 100, source: "192.0.2.12" });
      expect(wire.said("over")).toContain(code);
    });
  }

  test("are not compared over VLANs, families or VRIDs", () => {
    const wire = new Wire();
    const equal = { ...b, priority: 200 };
    const others: readonly FrameWish[] = [
      { ...equal, vlan: 10 },
      { ...equal, vrid: 52, addresses: ["192.0.2.101"] },
      { ...equal, source: "fe80::12" },
    ];
    wire.rounds(10, a, ...others);
    expect(wire.said("finding")).toEqual([]);
    expect(wire.summary.routers).toHaveLength(4);
  });
});

test("an address under two VRIDs is named with both", () => {
  const wire = new Wire();
  wire.rounds(3, { ...a, vrid: 52 }, b);
  expect(wire.found("address-in-two-vrids").map(({ text }) => text)).toEqual([
    "192.0.2.100 is advertised under VRID 51 by 192.0.2.12 and under VRID 52 by 192.0.2.11: both hold it",
  ]);
});

describe("ARP about an address that is watched", () => {
  test("may come from the active router, with its own or the virtual MAC", () => {
    const wire = new Wire();
    wire.advert(a);
    expect(wire.arp("192.0.2.100", "020000000011")).toBe(true);
    expect(wire.arp("192.0.2.100", "00005e000133")).toBe(true);
    expect(wire.arp("192.0.2.77", "020000000099")).toBe(false);
    expect(wire.said("finding")).toEqual([]);
  });

  test("names a stranger, and a router that is not active any more", () => {
    const wire = new Wire();
    wire.rounds(5, a);
    wire.wait(500);
    wire.rounds(5, b);
    wire.arp("192.0.2.100", "020000000099");
    wire.arp("192.0.2.100", "020000000011");
    expect(wire.found("foreign-mac")[0]?.text).toContain(
      "02:00:00:00:00:99 says by ARP that it has 192.0.2.100",
    );
    expect(wire.found("still-answers")[0]?.text).toBe(
      "192.0.2.11 (02:00:00:00:00:11) answers for 192.0.2.100 though another router is active",
    );
  });
});

test("only the VRIDs that are asked for count", () => {
  const wire = new Wire({ vrids: new Set([52]) });
  expect(wire.advert(a)).toBe(false);
  expect(wire.arp("192.0.2.100", "020000000099")).toBe(false);
  expect(wire.advert({ ...a, vrid: 52 })).toBe(true);
  expect(wire.summary.packets).toBe(1);
});
