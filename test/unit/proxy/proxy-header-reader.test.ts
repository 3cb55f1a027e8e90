import { describe, expect, test } from "bun:test";
import { assert, boolean, nat, property, uint8Array } from "fast-check";
import { readProxyHeader } from "../../../src/proxy/proxy-header-reader.ts";

/** Bytes as the PROXY protocol's text writes them, versions 1 (§2.1) and 2 (§2.2). */

const signature = "0d0a0d0a000d0a515549540a";

function text(line: string): ReturnType<typeof readProxyHeader> {
  return readProxyHeader(Buffer.from(line, "latin1"));
}

function hex(...parts: readonly string[]): ReturnType<typeof readProxyHeader> {
  return readProxyHeader(Buffer.from(signature + parts.join(""), "hex"));
}

describe("readProxyHeader()", () => {
  test("reads version 1", () => {
    expect(text("PROXY TCP4 192.0.2.31 192.0.2.11 40000 443\r\nGET /")).toEqual({
      state: "complete",
      end: 44,
      ends: {
        source: { address: "192.0.2.31", port: 40_000 },
        destination: { address: "192.0.2.11", port: 443 },
      },
    });
    expect(text("PROXY TCP6 2001:db8:0:0::31 2001:db8::11 0 65535\r\n")).toMatchObject({
      ends: { source: { address: "2001:db8::31", port: 0 } },
    });
    expect(text("PROXY UNKNOWN\r\n")).toEqual({ state: "complete", end: 15, ends: null });
    expect(text("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n")).toMatchObject({ ends: null });
  });

  test("reads version 2", () => {
    expect(hex("2111000c", "c000021fc000020b9c4001bb", "474554")).toEqual({
      state: "complete",
      end: 28,
      ends: {
        source: { address: "192.0.2.31", port: 40_000 },
        destination: { address: "192.0.2.11", port: 443 },
      },
    });
    const addresses = "20010db800000000000000000000003120010db8000000000000000000000011";
    expect(hex("21210024", addresses, "0001ffff")).toMatchObject({
      end: 52,
      ends: { source: { address: "2001:db8::31", port: 1 } },
    });
    expect(hex("21110010", "c000021fc000020b9c4001bb", "04000100"), "with an extension").toMatchObject({
      end: 32,
      ends: { source: { address: "192.0.2.31" } },
    });
  });

  test("takes the connection's own address where version 2 gives none", () => {
    expect(hex("20000000"), "LOCAL").toEqual({ state: "complete", end: 16, ends: null });
    expect(hex("2011000c", "c000021fc000020b9c4001bb"), "LOCAL with addresses").toMatchObject({
      ends: null,
    });
    expect(hex("21000000"), "AF_UNSPEC").toMatchObject({ ends: null });
    expect(hex("213100d8", "00".repeat(216)), "AF_UNIX").toMatchObject({ end: 232, ends: null });
  });

  test("writes IPv4 in IPv6 as IPv4", () => {
    const addresses = "00000000000000000000ffffc000021f00000000000000000000ffffc000020b";
    expect(hex("21210024", addresses, "0001ffff")).toMatchObject({
      ends: { source: { address: "192.0.2.31" } },
    });
    expect(text("PROXY TCP6 ::ffff:192.0.2.31 ::1 1 2\r\n")).toMatchObject({
      ends: { source: { address: "192.0.2.31" } },
    });
  });

  test.each([
    "GET / HTTP/1.1\r\n",
    "PROXY  TCP4 192.0.2.31 192.0.2.11 1 2\r\n",
    "PROXY TCP4 192.0.2.31  192.0.2.11 1 2\r\n",
    "PROXY TCP4 192.0.2.31 192.0.2.11 1\r\n",
    "PROXY TCP4 192.0.2.31 192.0.2.11 1 2 3\r\n",
    "PROXY TCP4 192.0.2.31 192.0.2.11 1 65536\r\n",
    "PROXY TCP4 192.0.2.31 192.0.2.11 01 2\r\n",
    "PROXY TCP4 192.0.2.031 192.0.2.11 1 2\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n",
    "PROXY TCP6 192.0.2.31 192.0.2.11 1 2\r\n",
    "PROXY UDP4 192.0.2.31 192.0.2.11 1 2\r\n",
    "PROXY TCP4 192.0.2.31 192.0.2.11 1 2\n",
    "PROXY UNKNOWN\n",
    `PROXY UNKNOWN ${"x".repeat(100)}\r\n`,
    "proxy UNKNOWN\r\n",
    " PROXY UNKNOWN\r\n",
  ])("refuses %j", (line) => {
    expect(text(line).state).toBe("faulty");
  });

  test.each([
    ["version 1", "1111000c"],
    ["an unknown command", "2211000c"],
    ["datagrams", "2112000c"],
    ["an unknown family", "2141000c"],
    ["addresses that do not fit", "2111000b"],
    ["IPv6 that does not fit", "21210023"],
    ["a length beyond reason", "2111ffff"],
  ])("refuses %s in version 2", (_, start) => {
    expect(hex(start, "00".repeat(64)).state).toBe("faulty");
  });

  test("waits for all of it, however it is cut", () => {
    const whole = [
      Buffer.from("PROXY TCP4 192.0.2.31 192.0.2.11 40000 443\r\n", "latin1"),
      Buffer.from(`${signature}2111000cc000021fc000020b9c4001bb`, "hex"),
    ];
    for (const bytes of whole) {
      for (let length = 0; length < bytes.length; length++) {
        expect(readProxyHeader(bytes.subarray(0, length)).state, `${length} bytes`).toBe("incomplete");
      }
      expect(readProxyHeader(bytes).state).toBe("complete");
    }
  });

  test("gives any address that version 2 carries, and never reads past what is there", () => {
    const octets = uint8Array({ minLength: 4, maxLength: 4 });
    assert(
      property(octets, nat(65_535), uint8Array({ maxLength: 40 }), (address, port, more) => {
        const header = Buffer.concat([
          Buffer.from(`${signature}2111`, "hex"),
          Buffer.from([0, 12 + more.length]),
          address,
          Buffer.from([192, 0, 2, 11, port >> 8, port & 255, 1, 187]),
          more,
        ]);
        expect(readProxyHeader(Buffer.concat([header, Buffer.from("GET /")]))).toEqual({
          state: "complete",
          end: header.length,
          ends: {
            source: { address: address.join("."), port },
            destination: { address: "192.0.2.11", port: 443 },
          },
        });
      }),
    );
    assert(
      property(uint8Array({ maxLength: 200 }), boolean(), (noise, isText) => {
        const start = isText ? Buffer.from("PROXY ") : Buffer.from(signature, "hex");
        const bytes = Buffer.concat([start, noise]);
        const reading = readProxyHeader(bytes);
        if (reading.state === "complete") expect(reading.end).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
