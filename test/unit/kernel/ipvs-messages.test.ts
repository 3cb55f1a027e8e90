import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Family } from "../../../src/base/address.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  formatKey,
  keyAttribute,
  parseServer,
  parseService,
  parseVersion,
  type IpvsForward,
  type IpvsKey,
  type IpvsServer,
  type IpvsService,
  writeServer,
  writeServerKey,
  writeService,
} from "../../../src/kernel/ipvs-messages.ts";
import {
  attribute,
  parseAttributes,
  readNested,
  type Attributes,
} from "../../../src/kernel/netlink/attribute.ts";
import { ServersWriter } from "../../../src/kernel/ipvs-servers-writer.ts";
import { written } from "../../support/written-attributes.ts";

// What ipvsadm 1.31 sends after the netlink and generic headers.
const ipvsadm = {
  // -A -t 192.0.2.100:80 -s wrr -p 50
  wrr:
    "54000180 0600010002000000 0600020006000000 14000300c0000264000000000000000000000000 0600040000500000" +
    "0800060077727200 0c00070001000000ffffffff 0800080032000000 08000900ffffffff",
  // -A -u [2001:db8::100]:53 -s rr
  ipv6:
    "54000180 060001000a000000 0600020011000000 1400030020010db8000000000000000000000100 0600040000350000" +
    "0700060072720000 0c00070000000000ffffffff 0800080000000000 0800090080000000",
  // -A -f 7 -s rr
  mark: "38000180 0600010002000000 0800050007000000 0700060072720000 0c00070000000000ffffffff 0800080000000000 08000900ffffffff",
  // -E -t 192.0.2.100:80 -s sh -b sh-port -p 300 -M 255.255.255.0
  hash:
    "54000180 0600010002000000 0600020006000000 14000300c0000264000000000000000000000000 0600040000500000" +
    "0700060073680000 0c00070011000000ffffffff 080008002c010000 08000900ffffff00",
  // The server of -a -t 192.0.2.100:80 -r 10.0.0.8:80 -g -w 5 -x 100 -y 50
  server:
    "60000280 06000b0002000000 140001000a000008000000000000000000000000 0600020000500000 0800030003000000" +
    "0800040005000000 05000d0000000000 06000e0000000000 06000f0000000000 0800050064000000 0800060032000000",
  // The server of -a -u [2001:db8::100]:53 -r [2001:db8::8]:53 -g
  server6:
    "60000280 06000b000a000000 1400010020010db8000000000000000000000008 0600020000350000 0800030003000000" +
    "0800040001000000 05000d0000000000 06000e0000000000 06000f0000000000 0800050000000000 0800060000000000",
};

const web: IpvsService = {
  key: { family: 4, protocol: 6, address: "192.0.2.100", port: 80 },
  scheduler: "wrr",
  flags: 0,
  persistenceS: 50,
  netmask: 32,
  persistenceEngine: null,
  servers: [],
};
const dns: IpvsService = {
  key: { family: 6, protocol: 17, address: "2001:db8::100", port: 53 },
  scheduler: "rr",
  flags: 0,
  persistenceS: 0,
  netmask: 128,
  persistenceEngine: null,
  servers: [],
};
const marked: IpvsService = { ...web, key: { family: 4, mark: 7 }, scheduler: "rr", persistenceS: 0 };
const hashed: IpvsService = { ...web, scheduler: "sh", flags: 0x10, persistenceS: 300, netmask: 24 };
const server: IpvsServer = {
  address: "10.0.0.8",
  port: 80,
  forward: "dr",
  tunnel: null,
  weight: 5,
  upperThreshold: 100,
  lowerThreshold: 50,
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
};

const bytesOf = (hex: string): string => toHex(fromHex(hex));
const attributesOf = (hex: string): Attributes => parseAttributes(fromHex(hex));
const hexFields = (attributes: Attributes): Record<number, string> =>
  Object.fromEntries([...attributes].map(([type, value]) => [type, toHex(value)]));

describe("services", () => {
  test.each([
    ["persistence", ipvsadm.wrr, web],
    ["IPv6 and UDP", ipvsadm.ipv6, dns],
    ["a firewall mark", ipvsadm.mark, marked],
    ["a scheduler's flag and a netmask", ipvsadm.hash, hashed],
  ])("writeService() writes the bytes ipvsadm writes for %s", (_, hex, service) => {
    expect(toHex(written((writer) => writeService(writer, service)))).toBe(bytesOf(hex));
    expect(parseService(attributesOf(hex))).toEqual(service);
  });

  test("keyAttribute() leaves out everything but the key", () => {
    const fields = readNested(parseAttributes(keyAttribute(web.key)), 1);
    expect([...fields.keys()]).toEqual([1, 2, 3, 4]);
    expect([...readNested(parseAttributes(keyAttribute(marked.key)), 1).keys()]).toEqual([1, 5]);
  });

  test("parseService() leaves out the kernel's own flag and the timeout of a service without persistence", () => {
    const answer = ipvsadm.wrr.replace("0c00070001000000ffffffff", "0c00070002000000ffffffff");
    expect(parseService(attributesOf(answer))).toEqual({ ...web, persistenceS: 0 });
  });

  test("parseService() gives null for a service that is not whole", () => {
    expect(parseService(attributesOf("0c000180 0600010002000000"))).toBeNull();
    expect(parseService(attributesOf("08000200 00000000"))).toBeNull();
    expect(
      parseService(attributesOf(ipvsadm.wrr.replace("0600010002000000", "0600010003000000"))),
    ).toBeNull();
  });

  test("parseService() returns what writeService() wrote", () => {
    const families = fc.constantFrom<Family>(4, 6);
    const keys = fc.oneof<fc.Arbitrary<IpvsKey>[]>(
      fc.record({ family: families, mark: fc.integer({ min: 1, max: 0xffff_ffff }) }),
      fc.record({
        family: fc.constant<Family>(4),
        protocol: fc.constantFrom(6, 17, 132),
        address: fc.ipV4(),
        port: fc.integer({ min: 0, max: 65_535 }),
      }),
      fc.record({
        family: fc.constant<Family>(6),
        protocol: fc.constantFrom(6, 17, 132),
        address: fc.constantFrom("::", "2001:db8::1", "fe80::8"),
        port: fc.integer({ min: 0, max: 65_535 }),
      }),
    );
    const services = fc.record({
      key: keys,
      scheduler: fc.constantFrom("rr", "wrr", "lblcr", "mh"),
      flags: fc.constantFrom(0, 4, 8, 0x10, 0x20, 0x3c),
      persistenceS: fc.integer({ min: 0, max: 31 * 86_400 }),
      netmask: fc.integer({ min: 1, max: 32 }),
      persistenceEngine: fc.constantFrom(null, "sip"),
      servers: fc.constant([]),
    });
    fc.assert(
      fc.property(services, (service) => {
        expect(parseService(parseAttributes(written((writer) => writeService(writer, service))))).toEqual(
          service,
        );
      }),
    );
  });

  test.each<[string, Partial<IpvsService>, Record<number, string>]>([
    ["SIP's call", { persistenceEngine: "sip" }, { 11: "73697000" }],
    ["one packet", { flags: 0x4, persistenceS: 0 }, { 7: "04000000ffffffff", 8: "00000000" }],
    ["a scheduler's two flags", { scheduler: "mh", flags: 0x18 }, { 6: "6d6800", 7: "19000000ffffffff" }],
    [
      "SCTP",
      { key: { family: 4, protocol: 132, address: "192.0.2.100", port: 3868 } },
      { 2: "8400", 4: "0f1c" },
    ],
    ["an IPv6 prefix", { key: dns.key, netmask: 64 }, { 1: "0a00", 9: "40000000" }],
    ["an IPv6 mark", { key: { family: 6, mark: 0x8000_0001 }, netmask: 128 }, { 1: "0a00", 5: "01000080" }],
  ])("writeService() writes %s as linux/ip_vs.h has it", (_, change, fields) => {
    const found = hexFields(
      readNested(parseAttributes(written((writer) => writeService(writer, { ...web, ...change }))), 1),
    );
    expect(found).toMatchObject(fields);
  });

  test("an IPv4 netmask of length 0 is all zeros", () => {
    expect(toHex(written((writer) => writeService(writer, { ...web, netmask: 0 })))).toEndWith(
      "0800090000000000",
    );
    expect(
      parseService(parseAttributes(written((writer) => writeService(writer, { ...web, netmask: 0 }))))
        ?.netmask,
    ).toBe(0);
  });
});

describe("servers", () => {
  test.each([
    ["IPv4", ipvsadm.server, server],
    [
      "IPv6",
      ipvsadm.server6,
      { ...server, address: "2001:db8::8", port: 53, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
    ],
  ])("writeServer() has every field ipvsadm sends for %s, tunnel aside", (_, hex, item) => {
    const theirs = hexFields(readNested(attributesOf(hex), 2));
    const ours = hexFields(readNested(parseAttributes(written((writer) => writeServer(writer, item))), 2));
    expect<Record<number, string>>({ ...ours, 13: "00", 14: "0000", 15: "0000" }).toEqual(theirs);
    expect(parseServer(attributesOf(hex), 4)).toEqual(item);
  });

  test.each<[Partial<IpvsServer>, Record<number, string>]>([
    [
      { forward: "tunnel", tunnel: { type: "gue", port: 5555, checksum: "remote" } },
      { 3: "02000000", 13: "01", 14: "15b3", 15: "0200" },
    ],
    [
      { forward: "tunnel", tunnel: { type: "gre", port: 0, checksum: "full" } },
      { 3: "02000000", 13: "02", 14: "0000", 15: "0100" },
    ],
    [
      { forward: "tunnel", tunnel: { type: "ipip", port: 0, checksum: "none" }, address: "2001:db8::8" },
      { 1: "20010db8000000000000000000000008", 11: "0a00", 13: "00", 14: "0000", 15: "0000" },
    ],
    [
      { forward: "nat", port: 8080, weight: 65_535 },
      { 2: "1f90", 3: "00000000", 4: "ffff0000" },
    ],
  ])("writeServer() writes %j as linux/ip_vs.h has it", (change, fields) => {
    const item = { ...server, ...change };
    expect(
      hexFields(readNested(parseAttributes(written((writer) => writeServer(writer, item))), 2)),
    ).toMatchObject(fields);
  });

  test("writeServerKey() names address, port and family", () => {
    const fields = readNested(parseAttributes(written((writer) => writeServerKey(writer, server))), 2);
    expect(hexFields(fields)).toEqual({ 1: "0a000008" + "00".repeat(12), 2: "0050", 11: "0200" });
  });

  test("parseServer() reads the counters of a dump and passes over statistics and the tunnel", () => {
    const answer =
      "64000280 06000b0002000000 140001000a000009000000000000000000000000 0600020000500000 0800030003000010" +
      "0800040001000000 0800070003000000 0800080004000000 0800090005000000 0c000a80 0800010001000000 05000d0001000000";
    expect(parseServer(attributesOf(answer), 4)).toMatchObject({
      address: "10.0.0.9",
      forward: "dr",
      activeConnections: 3,
      inactiveConnections: 4,
      persistentConnections: 5,
    });
  });

  test("parseServer() takes the service's family when the kernel names none", () => {
    const answer = ipvsadm.server.replace("06000b0002000000", "06003f0002000000");
    expect(parseServer(attributesOf(answer), 4)?.address).toBe("10.0.0.8");
  });

  test("parseServer() returns what writeServer() wrote", () => {
    const forwards: readonly IpvsForward[] = ["nat", "local", "dr", "bypass"];
    const tunnels = fc.record({
      type: fc.constantFrom("ipip" as const, "gue" as const, "gre" as const),
      port: fc.integer({ min: 0, max: 65_535 }),
      checksum: fc.constantFrom("none" as const, "full" as const, "remote" as const),
    });
    const servers = fc.record({
      address: fc.oneof(fc.ipV4(), fc.constantFrom("2001:db8::1", "::1")),
      port: fc.integer({ min: 0, max: 65_535 }),
      forwarding: fc.oneof(
        fc.record({ forward: fc.constantFrom(...forwards), tunnel: fc.constant(null) }),
        fc.record({ forward: fc.constant("tunnel" as const), tunnel: tunnels }),
      ),
      weight: fc.integer({ min: 0, max: 65_535 }),
      upperThreshold: fc.integer({ min: 0, max: 0xffff_ffff }),
      lowerThreshold: fc.integer({ min: 0, max: 0xffff_ffff }),
      activeConnections: fc.constant(0),
      inactiveConnections: fc.constant(0),
      persistentConnections: fc.constant(0),
    });
    fc.assert(
      fc.property(servers, ({ forwarding, ...rest }) => {
        const item: IpvsServer = { ...rest, ...forwarding };
        expect(parseServer(parseAttributes(written((writer) => writeServer(writer, item))), 4)).toEqual(item);
      }),
    );
  });
});

test("parseVersion() reads three parts", () => {
  expect(parseVersion(attributesOf("0800010001020100 0800020000100000"))).toBe("1.2.1");
  expect(parseVersion(attributesOf("0800020000100000"))).toBeNull();
});

test("formatKey() names protocol, address and port, or the mark", () => {
  expect([formatKey(web.key), formatKey(dns.key), formatKey(marked.key)]).toEqual([
    "tcp 192.0.2.100:80",
    "udp [2001:db8::100]:53",
    "fwmark 7 (IPv4)",
  ]);
});

test("every parser takes any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 160 }), (bytes) => {
      const attributes = parseAttributes(concatBytes(attribute(1, bytes), attribute(2, bytes)));
      parseService(attributes);
      parseServer(attributes, 6);
      parseVersion(attributes);
    }),
  );
});

test("ServersWriter writes what writeServer() and keyAttribute() do, whatever it has written before", () => {
  const tunnels = [null, { type: "gue", port: 5555, checksum: "none" }] as const;
  const one = fc.record({
    address: fc.constantFrom("192.0.2.8", "10.0.0.255", "255.255.255.255", "2001:db8::8"),
    port: fc.constantFrom(0, 80, 65_535),
    weight: fc.constantFrom(0, 1, 65_535),
    forward: fc.constantFrom<IpvsForward>("dr", "tunnel"),
    tunnel: fc.constantFrom(...tunnels),
    upperThreshold: fc.constantFrom(0, 2 ** 31 - 1),
    lowerThreshold: fc.constantFrom(0, 0, 7),
  });
  const counts = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 };
  const keys = [web.key, { family: 4, mark: 7 } as const];
  fc.assert(
    fc.property(fc.array(fc.tuple(one, fc.constantFrom(...keys)), { maxLength: 12 }), (list) => {
      const servers = new ServersWriter();
      const bytes = written((writer) => {
        for (const [item, key] of list) {
          servers.writeKey(writer, key);
          servers.write(writer, { ...item, ...counts });
        }
      });
      const each = list.flatMap(([item, key]) => [
        keyAttribute(key),
        written((writer) => writeServer(writer, { ...item, ...counts })),
      ]);
      expect(toHex(bytes)).toBe(toHex(concatBytes(...each)));
    }),
  );
});
