import { expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { unsolicitedAdvertisement } from "../../../src/kernel/ndp.ts";

const mac = fromHex("00005e000233");
const frame =
  "333300000001" + // to all nodes
  "00005e000233" +
  "86dd" +
  "6c000000 0020 3a ff" + // traffic class 0xc0, 32 bytes of ICMPv6, hop limit 255
  "20010db8000000000000000000000100" +
  "ff020000000000000000000000000001" +
  "8800 CCCC a0000000" + // neighbour advertisement: router, override
  "20010db8000000000000000000000100" +
  "0201 00005e000233"; // where it is now

test("unsolicitedAdvertisement() tells all nodes, with R and O set and S clear", () => {
  const made = unsolicitedAdvertisement({ mac, address: "2001:db8::100", isRouter: true });
  expect(toHex(made)).toBe(frame.replace("CCCC", "18fa").replaceAll(" ", ""));
});

test("unsolicitedAdvertisement() leaves R out for a node that does not forward", () => {
  const made = unsolicitedAdvertisement({ mac, address: "2001:db8::100", isRouter: false });
  expect(toHex(made)).toBe(frame.replace("CCCC", "98fa").replace("a0000000", "20000000").replaceAll(" ", ""));
});

test("unsolicitedAdvertisement() refuses what is not Ethernet and IPv6", () => {
  const wrong = { mac: new Uint8Array(), address: "2001:db8::100", isRouter: true };
  expect(() => unsolicitedAdvertisement(wrong)).toThrow("assertion failed");
  expect(() => unsolicitedAdvertisement({ ...wrong, mac, address: "192.0.2.1" })).toThrow("assertion failed");
});
