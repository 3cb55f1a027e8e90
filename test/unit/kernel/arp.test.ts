import { expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { gratuitousArp } from "../../../src/kernel/arp.ts";

test("gratuitousArp() is a broadcast request whose sender and target are the address itself", () => {
  const frame = gratuitousArp(fromHex("00005e000133"), "192.0.2.100");
  expect(toHex(frame)).toBe(
    "ffffffffffff" + // to everybody
      "00005e000133" +
      "0806" +
      "0001080006040001" + // Ethernet, IPv4, request
      "00005e000133" +
      "c0000264" +
      "00005e000133" +
      "c0000264",
  );
});

test("gratuitousArp() refuses what is not Ethernet and IPv4", () => {
  expect(() => gratuitousArp(new Uint8Array(), "192.0.2.100")).toThrow("assertion failed");
  expect(() => gratuitousArp(new Uint8Array(6), "2001:db8::1")).toThrow("assertion failed");
});
