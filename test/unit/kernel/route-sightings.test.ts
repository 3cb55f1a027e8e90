import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { destinationFilter, parseSighting } from "../../../src/kernel/route-sightings.ts";

// struct rtmsg { family, dst_len, src_len, tos, table, protocol, scope, type, flags u32 }, then attributes.
const table100 = "08000f0064000000";
const to = { address: "198.51.100.0", length: 24 };

/** Gives a route by the hexadecimal digits of its length, flags and address. */
const route = (length: string, flags: string, address: string): Uint8Array =>
  fromHex(`02${length}000064030001${flags}${table100}08000100${address}`);

describe("parseSighting()", () => {
  test("reads the way, the table and the rank of a route", () => {
    // ip route add 198.51.100.0/24 via 192.0.2.1 dev (index 2) metric 50 table 100
    const text = `02180000 64030001 00000000 ${table100} 08000100c6336400 0800060032000000 08000500c0000201 0800040002000000`;
    expect(parseSighting(fromHex(text.replaceAll(" ", "")), to)).toEqual({
      table: 100,
      tos: 0,
      metric: 50,
      type: 1,
      protocol: 3,
      hops: [{ linkIndex: 2, gateway: "192.0.2.1" }],
    });
  });

  test("reads every next hop, also over IPv6", () => {
    const header = "0218000064030001000000000800 0f0064000000 08000100c6336400".replaceAll(" ", "");
    const first = "1000000002000000 08000500c0000201".replaceAll(" ", "");
    const second =
      "2000000003000000 16001200 0a00 fe800000000000000000000000000001".replaceAll(" ", "") + "0000";
    const several = fromHex(first + second);
    const attribute = concatBytes(Uint8Array.of(4 + several.length, 0, 9, 0), several);
    const route = parseSighting(concatBytes(fromHex(header), attribute), to);
    expect(route?.hops).toEqual([
      { linkIndex: 2, gateway: "192.0.2.1" },
      { linkIndex: 3, gateway: "fe80::1" },
    ]);
  });

  test("passes over routes to elsewhere, and cached ones", () => {
    expect(parseSighting(route("18", "00000000", "c6336400"), to)).not.toBeNull();
    expect(parseSighting(route("18", "00000000", "c6336500"), to)).toBeNull();
    expect(parseSighting(route("19", "00000000", "c6336400"), to)).toBeNull();
    expect(parseSighting(route("18", "00020000", "c6336400"), to)).toBeNull();
    expect(parseSighting(fromHex("0218"), to)).toBeNull();
    expect(parseSighting(new Uint8Array(0), to)).toBeNull();
  });

  test("knows a default route by its length alone", () => {
    const route = fromHex(`02000000fe03000100000000 0800040002000000`.replace(" ", ""));
    const anywhere = { address: "0.0.0.0", length: 0 };
    expect(parseSighting(route, anywhere)).toMatchObject({
      table: 254,
      hops: [{ linkIndex: 2, gateway: null }],
    });
    expect(parseSighting(route, { address: "::", length: 0 })).toBeNull();
  });
});

describe("destinationFilter()", () => {
  test("takes one family, one length and one address", () => {
    expect(toHex(destinationFilter(to)).match(/.{16}/g)).toEqual([
      "3000000010000000", // ldb [16]
      "1500000902000000", // jeq #AF_INET, next, drop
      "3000000011000000", // ldb [17]
      "1500000718000000", // jeq #24, next, drop
      "0100000001000000", // ldx #RTA_DST
      "000000001c000000", // ld #28
      "200000000cf0ffff", // ld nlattr
      "0700000000000000", // tax
      "4000000004000000", // ld [x + 4]
      "15000001006433c6", // jeq #198.51.100.0, take, drop
      "06000000ffffffff",
      "0600000000000000",
    ]);
  });

  test("has no address to compare for a default route", () => {
    expect(destinationFilter({ address: "::", length: 0 })).toHaveLength(6 * 8);
    expect(destinationFilter({ address: "2001:db8::", length: 128 })).toHaveLength(18 * 8);
  });
});
