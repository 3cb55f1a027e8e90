import { describe, expect, test } from "bun:test";
import { addressBytes } from "../../../src/base/address.ts";
import { concatBytes, fromHex } from "../../../src/base/bytes.ts";
import { assemble, op } from "../../../src/kernel/filter-program.ts";
import { unsolicitedAdvertisement } from "../../../src/kernel/ndp.ts";
import { watchFilter } from "../../../src/kernel/watch-filter.ts";
import { isTaken } from "../../support/classic-bpf.ts";
import { arpFrame, ethernetFrame, ipPacket, vrrpFrame } from "../../support/vrrp-frame.ts";

const program = watchFilter(["192.0.2.100", "2001:db8::100"]);
const taken = (frame: Uint8Array, by = program): boolean => isTaken(by, frame);

const ip = (protocol: number, payload: string, isSix = false): Uint8Array => {
  const [source, destination] = isSix ? ["fe80::1", "fe80::2"] : ["192.0.2.11", "192.0.2.12"];
  return ethernetFrame(ipPacket({ source, destination, ttl: 255, protocol }, fromHex(payload)));
};
const arpReply = (sender: string, target: string): Uint8Array => {
  const head = fromHex("020000000001 020000000002 0806 0001 0800 0604 0002 020000000002");
  return concatBytes(head, addressBytes(sender), fromHex("020000000001"), addressBytes(target));
};
const tagged = (frame: Uint8Array, ...tags: readonly string[]): Uint8Array =>
  concatBytes(frame.subarray(0, 12), ...tags.map(fromHex), frame.subarray(12));

describe("watchFilter() takes", () => {
  const wanted: Readonly<Record<string, Uint8Array>> = {
    "VRRP over IPv4": vrrpFrame(),
    "VRRP over IPv6": vrrpFrame({ source: "fe80::11" }),
    "VRRP in an authentication header": ip(51, "7004000000000001"),
    "BFD of one hop": ip(17, "c0010ec800200000"),
    "BFD over several hops": ip(17, "c00112b000200000", true),
    "gratuitous ARP for anything": arpFrame("192.0.2.77"),
    "an ARP answer for an address that is watched": arpReply("192.0.2.100", "192.0.2.50"),
    "a neighbour advertisement": unsolicitedAdvertisement({
      mac: fromHex("020000000011"),
      address: "2001:db8::100",
      isRouter: false,
    }),
  };
  for (const [name, frame] of Object.entries(wanted)) {
    test(name, () => {
      expect(taken(frame)).toBe(true);
      expect(taken(tagged(frame, "8100000a"))).toBe(true);
      expect(taken(tagged(frame, "88a80014", "8100000a"))).toBe(true);
    });
  }
});

describe("watchFilter() leaves", () => {
  const unwanted: Readonly<Record<string, Uint8Array>> = {
    TCP: ip(6, "0050c001"),
    "TCP over IPv6": ip(6, "0050c001", true),
    DNS: ip(17, "c001003500200000"),
    "IPsec of others": ip(51, "0604000000000001"),
    "a neighbour solicitation": ip(58, "87000000", true),
    "an ARP answer for another address": arpReply("192.0.2.77", "192.0.2.50"),
    "what is too short": fromHex("01005e000012020000000011 0800 45"),
    LLDP: fromHex("0180c200000e020000000011 88cc 0000"),
  };
  for (const [name, frame] of Object.entries(unwanted)) {
    test(name, () => {
      expect(taken(frame)).toBe(false);
      expect(taken(tagged(frame, "8100000a"))).toBe(false);
    });
  }
});

test("watchFilter() takes all ARP when there are more addresses than it can test", () => {
  const many = Array.from({ length: 200 }, (_, index) => `198.51.100.${index}`);
  expect(taken(arpReply("192.0.2.77", "192.0.2.50"), watchFilter(many))).toBe(true);
  const some = watchFilter(many.slice(0, 180));
  expect(some.length / 8).toBeLessThan(256);
  expect(taken(arpReply("198.51.100.179", "192.0.2.50"), some)).toBe(true);
  expect(taken(arpReply("192.0.2.77", "192.0.2.50"), some)).toBe(false);
});

test("assemble() refuses a jump to nowhere or backwards", () => {
  expect(() => assemble([{ code: op.jumpIfEqual, value: 1, yes: "nowhere" }])).toThrow("no way");
  const back = [
    { at: "start" },
    { code: op.setIndex, value: 0 },
    { code: op.jumpIfEqual, value: 1, yes: "start" },
  ];
  expect(() => assemble(back)).toThrow("no way");
});
