import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { attribute, text, u32 } from "../../../src/kernel/netlink/attribute.ts";
import { parseMessages } from "../../../src/kernel/netlink/message.ts";
import {
  addressPayload,
  addressRemoval,
  parseAddress,
  parseLink,
} from "../../../src/kernel/route-messages.ts";

const vip = {
  linkIndex: 2,
  address: "192.0.2.100",
  prefixLength: 24,
  label: "eth2:0",
  scope: 0,
  protocol: 0x45,
  readiness: "ready",
} as const;

// A datagram of Linux 6.18: an address dump.
const addressDump =
  "58000000 1400 0200 03000000 5915c9db 0218800002000000 08000100c0000264 08000200c0000264 0b000300657468323a300000" +
  "05000b0045000000 0800080080000000 14000600ffffffffffffffffb59b0300b59b0300" +
  "50000000 1400 0200 03000000 5915c9db 0a40c0fd02000000 14000100fe80000000000000a8f19bfffe50eed5" +
  "14000600ffffffffffffffffb09b0300b09b0300 08000800c0000000 05000b0003000000";
const payloads = (hex: string): Uint8Array[] => parseMessages(fromHex(hex)).map((message) => message.payload);

const readiness = (header: string, flags = ""): string | undefined =>
  parseAddress(fromHex(`0a40 ${header} fd 02000000 14000100 fe80000000000000000000000000000a ${flags}`))
    ?.readiness;

describe("addresses", () => {
  test("addressPayload() writes local address, address, label and tag", () => {
    expect(toHex(addressPayload(vip, true))).toBe(
      "021800000200000008000200c000026408000100c00002640b000300657468323a30000005000b0045000000",
    );
  });

  test("addressPayload() leaves the tag out when the kernel refused it", () => {
    expect(toHex(addressPayload(vip, false))).not.toContain("05000b0045");
  });

  test("addressPayload() of IPv6 has no label and skips duplicate address detection", () => {
    const payload = addressPayload({ ...vip, address: "2001:db8::100", prefixLength: 128 }, true);
    expect(toHex(payload)).toBe(
      "0a80000002000000" +
        "1400020020010db8000000000000000000000100" +
        "1400010020010db8000000000000000000000100" +
        "0800080002000000" +
        "05000b0045000000",
    );
  });

  test("addressPayload() of IPv6 lets the kernel look for duplicates, and prefer others as a source, if asked to", () => {
    const request = { ...vip, address: "2001:db8::100", prefixLength: 64 };
    const payload = addressPayload({ ...request, detectsDuplicates: true, isDeprecated: true }, true);
    expect(toHex(payload)).toBe(
      "0a40000002000000" +
        "1400020020010db8000000000000000000000100" +
        "1400010020010db8000000000000000000000100" +
        "14000600 00000000 ffffffff 0000000000000000".replaceAll(" ", "") +
        "05000b0045000000",
    );
    const ipv4 = { detectsDuplicates: true, isDeprecated: true };
    expect(toHex(addressPayload({ ...vip, ...ipv4 }, true))).toBe(toHex(addressPayload(vip, true)));
  });

  test("parseAddress() tells an address that is not usable yet, or never will be", () => {
    expect(readiness("80")).toBe("ready");
    expect(readiness("40")).toBe("tentative");
    expect(readiness("48")).toBe("duplicate");
    expect(readiness("00", "08000800c8000000")).toBe("duplicate");
    expect(readiness("40", "0800080080000000")).toBe("ready");
  });

  test("addressRemoval() names link, address and prefix length", () => {
    expect(toHex(addressRemoval({ ...vip, address: "192.0.2.101" }))).toBe(
      "021800000200000008000200c000026508000100c0000265",
    );
  });

  test("parseAddress() reads a dump of the kernel's", () => {
    expect(payloads(addressDump).map(parseAddress)).toEqual([
      vip,
      {
        linkIndex: 2,
        address: "fe80::a8f1:9bff:fe50:eed5",
        prefixLength: 64,
        label: null,
        scope: 253,
        protocol: 3,
        // Flags 0xc0: tentative, permanent.
        readiness: "tentative",
      },
    ]);
  });

  test("parseAddress() gives one's own address of a point-to-point link", () => {
    const payload = fromHex("0220000003000000 08000200c0000201 08000100c0000202");
    expect(parseAddress(payload)).toMatchObject({ address: "192.0.2.1", protocol: 0, label: null });
  });

  test("parseAddress() gives null for other families and for what is cut off", () => {
    expect(parseAddress(fromHex("0718000002000000 08000200c0000264"))).toBeNull();
    expect(parseAddress(fromHex("0218000002000000"))).toBeNull();
    expect(parseAddress(fromHex("0218"))).toBeNull();
  });

  test("parseAddress() returns what addressPayload() wrote", () => {
    const requests = fc.record({
      linkIndex: fc.integer({ min: 0, max: 0x7fff_ffff }),
      address: fc.oneof(fc.ipV4(), fc.constantFrom("2001:db8::1", "fe80::1", "::1")),
      prefixLength: fc.integer({ min: 0, max: 32 }),
      label: fc.constantFrom(null, "lo:0", "eth0:virtual-1"),
      scope: fc.integer({ min: 0, max: 255 }),
      protocol: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(requests, (request) => {
        const label = request.address.includes(":") ? null : request.label;
        expect(parseAddress(addressPayload(request, true))).toEqual({
          ...request,
          label,
          readiness: "ready",
        });
      }),
    );
  });
});

const link = (flags: string): Uint8Array =>
  concatBytes(
    fromHex(`0000010002000000 ${flags} 00000000`),
    text(3, "eth2"),
    u32(4, 1500),
    attribute(1, fromHex("5e4c28db9568")),
  );

describe("links", () => {
  test("parseLink() reads index, name, hardware address and MTU", () => {
    expect(parseLink(link("43100100"))).toEqual({
      index: 2,
      name: "eth2",
      mac: fromHex("5e4c28db9568"),
      isUp: true,
      hasCarrier: true,
      mtu: 1500,
    });
  });

  test("parseLink() tells a link without carrier from one that is down", () => {
    expect(parseLink(link("03100000"))).toMatchObject({ isUp: true, hasCarrier: false });
    expect(parseLink(link("02100000"))).toMatchObject({ isUp: false, hasCarrier: false });
  });

  test("parseLink() passes over what a bridge tells of its ports: one that leaves it is there as before", () => {
    const told = link("43100100");
    told[0] = 7;
    expect(parseLink(told)).toBeNull();
  });

  test("parseLink() takes a link without a hardware address", () => {
    expect(parseLink(fromHex("0000040301000000 49000100 00000000 07000300 6c6f0000"))).toMatchObject({
      name: "lo",
      mac: new Uint8Array(),
      isUp: true,
      hasCarrier: true,
    });
  });
});

test("every parser takes any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      parseLink(bytes);
      parseAddress(bytes);
    }),
  );
});
