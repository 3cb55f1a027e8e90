import { describe, expect, test } from "bun:test";
import { proxyHeader } from "../../../src/proxy/proxy-header.ts";

/** Bytes as the PROXY protocol's text writes them, versions 1 (§2.1) and 2 (§2.2). */

const four = { source: { address: "192.0.2.31", port: 40_000 }, own: { address: "192.0.2.11", port: 443 } };
const six = { source: { address: "2001:db8::31", port: 1 }, own: { address: "2001:db8::11", port: 65_535 } };

function hex(...parts: readonly string[]): string {
  return parts.join("");
}

describe("proxyHeader()", () => {
  test("writes version 1 as a line of text", () => {
    expect(proxyHeader("v1", four.source, four.own).toString("latin1")).toBe(
      "PROXY TCP4 192.0.2.31 192.0.2.11 40000 443\r\n",
    );
    expect(proxyHeader("v1", six.source, six.own).toString("latin1")).toBe(
      "PROXY TCP6 2001:db8::31 2001:db8::11 1 65535\r\n",
    );
  });

  test("writes version 2 as bytes", () => {
    const signature = "0d0a0d0a000d0a515549540a";
    expect(proxyHeader("v2", four.source, four.own).toString("hex")).toBe(
      hex(signature, "21", "11", "000c", "c000021f", "c000020b", "9c40", "01bb"),
    );
    const addresses = ["20010db8000000000000000000000031", "20010db8000000000000000000000011"];
    expect(proxyHeader("v2", six.source, six.own).toString("hex")).toBe(
      hex(signature, "21", "21", "0024", ...addresses, "0001", "ffff"),
    );
  });
});
