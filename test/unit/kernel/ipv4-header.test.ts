import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { parseIpv4 } from "../../../src/kernel/ipv4-header.ts";

// An advertisement of keepalived 2.2.7: 192.0.2.11 to 224.0.0.18, TTL 255.
const header = "45c0002c00010000ff70d70ac000020be0000012";
const advert = "2133c802000191fec0000264c00002650000000000000000";

const packet = (first: string): Uint8Array => fromHex(first + advert);

describe("parseIpv4()", () => {
  test("takes the header off and gives what it says", () => {
    const parsed = parseIpv4(packet(header));
    expect(parsed).toMatchObject({
      source: "192.0.2.11",
      destination: "224.0.0.18",
      ttl: 255,
      totalLength: 44,
    });
    expect(toHex(parsed?.payload ?? new Uint8Array())).toBe(advert);
  });

  test("takes options off with the header (RFC 791 §3.1)", () => {
    const parsed = parseIpv4(packet("46c0003000010000ff700000c000020be000001294040000"));
    expect(toHex(parsed?.payload ?? new Uint8Array())).toBe(advert);
  });

  test("leaves out what is behind the total length, such as Ethernet padding", () => {
    const parsed = parseIpv4(packet("45c0001c00010000ff70d71ac000020be0000012"));
    expect(toHex(parsed?.payload ?? new Uint8Array())).toBe("2133c802000191fe");
  });

  test("tells by the total length when the packet was cut off", () => {
    const parsed = parseIpv4(packet("45c000ff00010000ff700000c000020be0000012"));
    expect(parsed?.totalLength).toBe(255);
    expect(parsed?.payload.length).toBe(24);
  });

  test("gives null for another version and for impossible lengths", () => {
    expect(parseIpv4(packet("65c0002c00010000ff70d70ac000020be0000012"))).toBeNull();
    expect(parseIpv4(packet("44c0002c00010000ff70d70ac000020be0000012"))).toBeNull();
    expect(parseIpv4(packet("45c0001300010000ff70d70ac000020be0000012"))).toBeNull();
    expect(parseIpv4(fromHex("4fc0002c00010000ff70d70ac000020be0000012"))).toBeNull();
    expect(parseIpv4(fromHex(header).subarray(0, 19))).toBeNull();
  });

  test("takes any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const parsed = parseIpv4(bytes);
        if (parsed !== null) expect(parsed.payload.length).toBeLessThanOrEqual(bytes.length - 20);
      }),
    );
  });
});
