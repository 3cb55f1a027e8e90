import { expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { leasePayload, parseLease } from "../../../src/kernel/address-lease.ts";

const vip = {
  linkIndex: 2,
  address: "192.0.2.100",
  prefixLength: 24,
  label: null,
  scope: 0,
  protocol: 0x45,
} as const;

// An answer of Linux 6.18 to RTM_GETADDR: 192.0.2.100/24 with valid_lft 3.
const dumped =
  "0218800002000000 08000100c0000264 08000200c0000264 0800030065746832 05000b0045000000 0800080080000000" +
  "14000600 03000000 03000000 b59b0300 b59b0300";

test("leasePayload() writes the address with its tag and both lifetimes", () => {
  expect(toHex(leasePayload(vip, true, 5))).toBe(
    "021800000200000008000200c000026408000100c000026405000b0045000000" +
      "1400060005000000050000000000000000000000",
  );
});

test("leasePayload() of an IPv6 address that is no source has one pair of lifetimes, the first of them 0", () => {
  const request = { ...vip, address: "2001:db8::100", prefixLength: 64, isDeprecated: true };
  expect(toHex(leasePayload(request, false, 5))).toBe(
    "0a400000020000001400020020010db80000000000000000000001001400010020010db8000000000000000000000100" +
      "0800080002000000" +
      "1400060000000000050000000000000000000000",
  );
});

test("parseLease() reads what is left", () => {
  const { linkIndex, address, prefixLength, protocol } = vip;
  expect(parseLease(fromHex(dumped))).toEqual({
    linkIndex,
    address,
    prefixLength,
    protocol,
    remainingS: 3,
  });
});

test("parseLease() gives null for an address that is valid for ever, or says nothing", () => {
  expect(parseLease(fromHex(dumped.replaceAll("03000000", "ffffffff")))?.remainingS).toBeNull();
  expect(parseLease(fromHex("0218000002000000 08000200c0000264"))?.remainingS).toBeNull();
  expect(parseLease(fromHex("0718000002000000 08000200c0000264"))).toBeNull();
});

test("parseLease() is not misled by a short attribute", () => {
  const short = fromHex("0218000002000000 08000200c0000264 0800060003000000");
  expect(parseLease(short)?.remainingS).toBeNull();
});
