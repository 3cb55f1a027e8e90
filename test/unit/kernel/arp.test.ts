import { expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { gratuitousArp } from "../../../src/kernel/arp.ts";

test("gratuitousArp() is a broadcast request whose sender and target are the address itself", () => {
  const frame = gratuitousArp(fromHex("0a0b0c0d0e0f"), "192.0.2.100");
  expect(toHex(frame)).toBe(
    "ffffffffffff" + // to everybody
      "0a0b0c0d0e0f" +
      "0806" +
      "0001080006040001" + // Ethernet, IPv4, request
      "0a0b0c0d0e0f" +
      "c0000264" +
      "0a0b0c0d0e0f" +
      "c0000264",
  );
});

test("gratuitousArp() is a reply from a virtual MAC, which another node may still have", () => {
  const frame = toHex(gratuitousArp(fromHex("00005e000133"), "192.0.2.100"));
  expect(frame).toBe("ffffffffffff00005e0001330806000108000604000200005e000133c000026400005e000133c0000264");
});

test("gratuitousArp() refuses what is not Ethernet and IPv4", () => {
  expect(() => gratuitousArp(new Uint8Array(), "192.0.2.100")).toThrow("assertion failed");
  expect(() => gratuitousArp(new Uint8Array(6), "2001:db8::1")).toThrow("assertion failed");
});
