import { describe, expect, test } from "bun:test";
import * as address from "../../../src/base/address.ts";

describe("canonicalAddress()", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["192.0.2", null],
    ["192.0.2.1.5", null],
    ["192.0..1", null],
    [".0.2.1", null],
    ["192.0.2.", null],
    ["192.0.2.256", null],
    ["192.0.2.00", null],
    ["192.0.2.1 ", null],
    ["192.0.2.01", null],
    ["0x7f.1", null],
    ["fe80::1%eth0", null],
    ["", null],
  ])("reads %p as %p", (text, expected) => {
    expect(address.canonicalAddress(text)).toBe(expected);
  });
});

test("isLinkLocal() knows both families' networks", () => {
  for (const text of ["fe80::1", "febf::1", "169.254.0.1"]) expect(address.isLinkLocal(text)).toBe(true);
  for (const text of ["fec0::1", "2001:db8::1", "::1", "169.253.0.1"])
    expect(address.isLinkLocal(text)).toBe(false);
});

test("parsePrefix() takes an address alone as a full-length prefix", () => {
  expect(address.parsePrefix("192.0.2.1")).toEqual({ address: "192.0.2.1", length: 32 });
  expect(address.parsePrefix("192.0.2.1/24")).toEqual({ address: "192.0.2.1", length: 24 });
});

test("parsePrefix() refuses lengths that the family does not have", () => {
  for (const text of [
    "192.0.2.1/33",
    "192.0.2.1/",
    "192.0.2.1/-1",
    "2001:db8::/129",
    "192.0.2.1/255.255.255.0",
  ]) {
    expect(address.parsePrefix(text)).toBeNull();
  }
});

test("prefixContains() compares network bits only and never across families", () => {
  const network = { address: "172.16.8.100", length: 24 };
  expect(address.prefixContains(network, "172.16.8.7")).toBe(true);
  expect(address.prefixContains(network, "172.16.9.7")).toBe(false);
  expect(address.prefixContains(network, "::1")).toBe(false);
});

test("addressFromBytes() gives back what addressBytes() was given", () => {
  for (const text of ["192.0.2.1", "255.255.255.255", "0.0.0.0", "2001:db8::1"]) {
    expect(address.addressFromBytes(address.addressBytes(text))).toBe(text);
  }
});

test("compareAddresses() orders as unsigned numbers, not as text", () => {
  expect(address.compareAddresses("10.0.0.9", "10.0.0.10")).toBeLessThan(0);
  expect(address.compareAddresses("200.0.0.1", "100.0.0.1")).toBeGreaterThan(0);
});

test("formatEndpoint() puts IPv6 into brackets", () => {
  expect(address.formatEndpoint({ address: "2001:db8::1", port: 80 })).toBe("[2001:db8::1]:80");
  expect(address.formatEndpoint({ address: "192.0.2.1", port: 80 })).toBe("192.0.2.1:80");
});
