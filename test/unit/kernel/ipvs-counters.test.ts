import { describe, expect, test } from "bun:test";
import { fromHex } from "../../../src/base/bytes.ts";
import { parseCountedServer, parseCountedService } from "../../../src/kernel/ipvs-counters.ts";
import { parseAttributes } from "../../../src/kernel/netlink/attribute.ts";

const counters = {
  connections: 5,
  inPackets: 0x1_0000_0002,
  outPackets: 7,
  inBytes: 0x2_0000_0001,
  outBytes: 9,
  connectionsPerS: 1,
  inPacketsPerS: 2,
  outPacketsPerS: 3,
  inBytesPerS: 4,
  outBytesPerS: 6,
};

// IPVS_SVC_ATTR_STATS (10): u32 but for the bytes, which are u64 behind a pad; STATS64 (12): u64 throughout.
const stats = [
  "5c00 0a00",
  "0800 0100 05000000 0800 0200 02000000 0800 0300 07000000",
  "0c00 0400 0100000002000000 0c00 0500 0900000000000000",
  "0800 0600 01000000 0800 0700 02000000 0800 0800 03000000 0800 0900 04000000 0800 0a00 06000000",
].join(" ");
const stats64 = [
  "7c00 0c00",
  "0c00 0100 0500000000000000 0c00 0200 0200000001000000 0c00 0300 0700000000000000",
  "0c00 0400 0100000002000000 0c00 0500 0900000000000000",
  "0c00 0600 0100000000000000 0c00 0700 0200000000000000 0c00 0800 0300000000000000",
  "0c00 0900 0400000000000000 0c00 0a00 0600000000000000",
].join(" ");
const server = [
  "1400 0100 0a000008000000000000000000000000 0600 0200 0050 0000 0800 0300 03000000 0800 0400 01000000",
  "0800 0700 02000000 0800 0800 03000000 0800 0900 04000000",
].join(" ");
const service =
  "0600 0100 0200 0000 0600 0200 0600 0000 1400 0300 c0000264000000000000000000000000 0600 0400 0050 0000 0700 0600 727200 00";

/** A reply's attributes: one nest of this type with these bytes in it. */
function reply(type: "01" | "02", ...parts: readonly string[]): ReturnType<typeof parseAttributes> {
  const body = fromHex(parts.join(" "));
  const length = (body.length + 4).toString(16).padStart(4, "0");
  const header = fromHex(`${length.slice(2)}${length.slice(0, 2)} ${type}80`);
  return parseAttributes(Uint8Array.from([...header, ...body]));
}

describe("counters of a service", () => {
  test("come from the 64-bit statistics where the kernel has them", () => {
    expect(parseCountedService(reply("01", service, stats, stats64))).toMatchObject({
      key: { address: "192.0.2.100", port: 80 },
      scheduler: "rr",
      counters,
    });
  });

  test("come from the 32-bit ones of older kernels", () => {
    const found = parseCountedService(reply("01", service, stats));
    expect(found?.counters).toEqual({ ...counters, inPackets: 2 });
  });

  test("are 0 where there are none", () => {
    expect(parseCountedService(reply("01", service))?.counters.connections).toBe(0);
  });

  test("need a whole service", () => {
    expect(parseCountedService(reply("01", stats64))).toBeNull();
  });
});

describe("counters of a server", () => {
  test("stand beside its connections", () => {
    expect(parseCountedServer(reply("02", server, stats, stats64), 4)).toMatchObject({
      address: "10.0.0.8",
      activeConnections: 2,
      inactiveConnections: 3,
      persistentConnections: 4,
      counters,
    });
  });

  test("need a whole server", () => {
    expect(parseCountedServer(reply("02", stats64), 4)).toBeNull();
  });
});
