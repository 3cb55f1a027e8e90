import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { internetAddress } from "../../../src/base/internet-address.ts";
import {
  intOption,
  multicastOption,
  multicastOption6,
  nameOption,
  netlinkAddress,
  netlinkPortId,
  packetAddress,
  timevalOption,
  unixAddress,
} from "../../../src/kernel/socket-address.ts";

describe("socket addresses", () => {
  test("internetAddress() has the port in network order and the family in the host's", () => {
    expect(toHex(internetAddress({ address: "192.0.2.1", port: 80 }))).toBe(
      "02000050c00002010000000000000000",
    );
    expect(toHex(internetAddress({ address: "2001:db8::1", port: 443 }))).toBe(
      "0a0001bb0000000020010db800000000000000000000000100000000",
    );
  });

  test("internetAddress() says on which interface a link-local address is", () => {
    expect(toHex(internetAddress({ address: "fe80::1", port: 0 }, 3))).toBe(
      "0a00000000000000fe80000000000000000000000000000103000000",
    );
    expect(toHex(internetAddress({ address: "192.0.2.1", port: 0 }, 3))).toBe(
      "02000000c00002010000000000000000",
    );
  });

  test("netlinkAddress() names groups, and netlinkPortId() tells the kernel from other processes", () => {
    expect(toHex(netlinkAddress(0x111))).toBe("100000000000000011010000");
    expect(netlinkPortId(netlinkAddress(0))).toBe(0);
    expect(netlinkPortId(fromHex("100000003930000000000000"))).toBe(12_345);
    expect(netlinkPortId(fromHex("020000500000000000000000"))).toBeNull();
    expect(netlinkPortId(new Uint8Array())).toBeNull();
  });

  test("packetAddress() names protocol, interface and hardware address", () => {
    expect(toHex(packetAddress(3, 0x0806, fromHex("ffffffffffff")))).toBe(
      "11000806030000000000 0006 ffffffffffff0000".replaceAll(" ", ""),
    );
  });

  test("unixAddress() ends a path with NUL and begins an abstract name with one", () => {
    expect(toHex(unixAddress("/run/a") ?? new Uint8Array())).toBe("01002f72756e2f6100");
    expect(toHex(unixAddress("@a") ?? new Uint8Array())).toBe("01000061");
  });

  test("unixAddress() gives null for what the kernel has no room for", () => {
    expect(unixAddress("")).toBeNull();
    expect(unixAddress("@")).toBeNull();
    expect(unixAddress("a\0b")).toBeNull();
    expect(unixAddress(`/${"a".repeat(106)}`)?.length).toBe(110);
    expect(unixAddress(`/${"a".repeat(107)}`)).toBeNull();
  });
});

describe("option values", () => {
  test("are in the host's order", () => {
    expect(toHex(intOption(255))).toBe("ff000000");
    expect(toHex(intOption(-1))).toBe("ffffffff");
    expect(toHex(timevalOption(1250))).toBe("010000000000000090d0030000000000");
    expect(toHex(nameOption("eth0"))).toBe("6574683000");
    expect(toHex(multicastOption("224.0.0.18", "192.0.2.1", 3))).toBe("e0000012c000020103000000");
    expect(toHex(multicastOption6("ff02::12", 3))).toBe("ff02000000000000000000000000001203000000");
  });
});
