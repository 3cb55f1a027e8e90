import { describe, expect, test } from "bun:test";
import { fromHex } from "../../../src/base/bytes.ts";
import { ipv6Packet } from "../../../src/kernel/received-packet.ts";

describe("ipv6Packet()", () => {
  const payload = fromHex("3133c801");
  const source = fromHex("0a00000000000000fe80000000000000000000000000000103000000");
  const destination = fromHex("ff020000000000000000000000000012");

  test("puts source, destination and hop limit together with a copy of the payload", () => {
    const packet = ipv6Packet({ source, destination, ttl: 255 }, payload);
    expect(packet).toEqual({
      payload,
      source: "fe80::1",
      destination: "ff02::12",
      ttl: 255,
      totalLength: 44,
    });
    expect(packet?.payload.buffer).not.toBe(payload.buffer);
  });

  test("gives null if the kernel has not said everything", () => {
    expect(ipv6Packet({ source, destination, ttl: null }, payload)).toBeNull();
    expect(ipv6Packet({ source, destination: null, ttl: 255 }, payload)).toBeNull();
    expect(ipv6Packet({ source, destination: destination.subarray(0, 4), ttl: 255 }, payload)).toBeNull();
    expect(ipv6Packet({ source: source.subarray(0, 16), destination, ttl: 255 }, payload)).toBeNull();
  });
});
