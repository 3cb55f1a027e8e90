import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { gueAddition, gueRemoval, parseGuePort } from "../../../src/kernel/fou-messages.ts";
import { GuePorts } from "../../../src/kernel/fou.ts";
import { parseAttributes } from "../../../src/kernel/netlink/attribute.ts";
import { isOwnTunnel, TunnelLinks } from "../../../src/kernel/tunnel-links.ts";
import { parseTunnel, tunnelPayload } from "../../../src/kernel/tunnel-messages.ts";
import { acknowledge, done, FakeNetlink, reply } from "../../support/fake-netlink.ts";

const hex = (...lines: readonly string[]): string => lines.join("").replaceAll(" ", "");

const read = (type: string, family: string): unknown =>
  parseGuePort(
    parseAttributes(fromHex(hex("0600010017c00000", `05000200${family}000000`, `05000400${type}000000`))),
  );

describe("tunnel devices", () => {
  test("an ipip device takes packets from anybody", () => {
    const made = tunnelPayload({ name: "t", kind: "ipip", hasChecksum: false, group: 0x4552 });
    expect(toHex(made)).toBe(
      hex(
        "00".repeat(16),
        "0600 0300 7400 0000", // IFLA_IFNAME
        "0800 1b00 52450000", // IFLA_GROUP
        "1800 1280", // IFLA_LINKINFO
        "0900 0100 6970697000 000000", // IFLA_INFO_KIND
        "0800 0280 0400 1300", // IFLA_INFO_DATA { IFLA_IPTUN_COLLECT_METADATA }
      ),
    );
  });

  test("an ip6tnl device unpacks both families", () => {
    const made = tunnelPayload({ name: "t", kind: "ip6tnl", hasChecksum: false, group: 0x4552 });
    // IFLA_IPTUN_PROTO 0 before the flag.
    expect(toHex(made)).toEndWith(hex("1000 0280", "0500 0900 00000000", "0400 1300"));
  });

  test("a gre device asks for checksums only where they are said to be there", () => {
    const plain = tunnelPayload({ name: "t", kind: "gre", hasChecksum: false, group: 1 });
    expect(toHex(plain)).toEndWith(hex("0800 0100 67726500", "0800 0280", "0400 1200"));
    const checked = tunnelPayload({ name: "t", kind: "gre", hasChecksum: true, group: 1 });
    // IFLA_GRE_IFLAGS with GRE_CSUM in network order.
    expect(toHex(checked)).toEndWith(
      hex("0800 0100 67726500", "1000 0280", "0600 0200 80000000", "0400 1200"),
    );
  });

  test("a device is read back as it was made, and others are told apart", () => {
    for (const kind of ["ipip", "gre", "ip6tnl", "ip6gre"] as const) {
      const hasChecksum = kind === "gre";
      const payload = tunnelPayload({ name: "rs-x", kind, hasChecksum, group: 0x4552 });
      new DataView(payload.buffer).setInt32(4, 9, true);
      new DataView(payload.buffer).setUint32(8, 0x1, true);
      const read = parseTunnel(payload);
      expect(read).toMatchObject({ index: 9, name: "rs-x", kind, hasChecksum, isUp: true, takesAll: true });
      expect(read !== null && isOwnTunnel(read)).toBe(true);
    }
    expect(parseTunnel(new Uint8Array(12))).toBeNull();
    expect(parseTunnel(new Uint8Array(16))).toBeNull();
    const bridge = fromHex(hex("1400 1280", "0b00 0100 62726964676500 00"));
    expect(parseTunnel(concatBytes(new Uint8Array(16), bridge))).toBeNull();
  });

  test("a kind that the kernel has not is named with its module", () => {
    const fake = new FakeNetlink((request) => [[acknowledge(request, 95)]]);
    expect(() => TunnelLinks.over(fake.connection()).make("rs-gre", "gre", false)).toThrow(
      "the kernel has no module ip_gre, which rs-gre needs",
    );
  });

  test("a device that takes everything for itself already is said to be in the way", () => {
    const fake = new FakeNetlink((request) =>
      request.type === 18 ? [[done(request)]] : [[acknowledge(request, 17)]],
    );
    expect(() => TunnelLinks.over(fake.connection()).make("rs-gre", "gre", false)).toThrow("remove it");
  });
});

describe("GUE ports", () => {
  test("a port is opened and closed by number and family", () => {
    const opened = gueAddition({ family: 4, port: 6080 });
    expect(toHex(concatBytes(...opened))).toBe(
      hex("0600 0100 17c0 0000", "0500 0200 02 000000", "0500 0400 02 000000"),
    );
    const closed = gueRemoval({ family: 6, port: 6080 });
    expect(toHex(concatBytes(...closed))).toBe(hex("0600 0100 17c0 0000", "0500 0200 0a 000000"));
  });

  test("a list names the ports of GUE and no others", () => {
    expect(read("02", "02")).toEqual({ family: 4, port: 6080 });
    expect(read("02", "0a")).toEqual({ family: 6, port: 6080 });
    expect(read("01", "02")).toBeNull();
    expect(read("02", "07")).toBeNull();
    expect(parseGuePort(parseAttributes(new Uint8Array()))).toBeNull();
  });

  test("without the module there are no ports, and opening one loads it or says what to do", () => {
    let isLoaded = false;
    const fake = new FakeNetlink((request) => {
      if (request.type !== 0x10) return [[acknowledge(request)]];
      if (!isLoaded) return [[acknowledge(request, 2)]];
      return [[reply(request, 0x10, fromHex("01020000 0600010021000000"))], [acknowledge(request)]];
    });
    const missing = GuePorts.over(fake.connection(), () => undefined);
    expect(missing.list()).toEqual([]);
    missing.remove({ family: 4, port: 6080 });
    expect(() => missing.add({ family: 4, port: 6080 })).toThrow("modprobe fou");
    const ports = GuePorts.over(fake.connection(), () => {
      isLoaded = true;
    });
    ports.add({ family: 4, port: 6080 });
    expect(fake.requests.at(-1)?.type).toBe(0x21);
    expect(toHex(fake.requests.at(-1)?.payload ?? new Uint8Array(0))).toStartWith("01010000");
  });
});
