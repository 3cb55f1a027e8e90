import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex } from "../../../src/base/bytes.ts";
import { encodeControl } from "../../../src/vrrp/bfd/packet.ts";
import { unsolicitedAdvertisement } from "../../../src/kernel/ndp.ts";
import { dissect } from "../../../src/watch/dissect.ts";
import { linkType } from "../../../src/watch/link-layer.ts";
import type { Packet } from "../../../src/watch/packet.ts";
import { ethernetFrame, ipPacket, vrrpFrame } from "../../support/vrrp-frame.ts";

const read = (
  bytes: Uint8Array,
  type: number = linkType.ethernet,
  wireLength = bytes.length,
): Packet | null => dissect({ atMs: 1, interface: null, linkType: type, bytes, wireLength });
const bare = vrrpFrame().subarray(14);
const cause = (packet: Packet | null): string =>
  packet?.kind === "vrrp" && packet.reading.kind === "malformed" ? packet.reading.cause : "none";

describe("dissect() reads an advertisement", () => {
  const frames: readonly (readonly [string, number, Uint8Array, string | null])[] = [
    ["on Ethernet", linkType.ethernet, vrrpFrame(), "02:00:00:00:00:11"],
    [
      "cooked",
      linkType.cooked,
      concatBytes(fromHex("0000 0001 0006 020000000011 0000 0800"), bare),
      "02:00:00:00:00:11",
    ],
    [
      "cooked, version 2",
      linkType.cooked2,
      concatBytes(fromHex("0800 0000 00000002 0001 00 06 020000000011 0000"), bare),
      "02:00:00:00:00:11",
    ],
    [
      "of a tunnel, cooked",
      linkType.cooked,
      concatBytes(fromHex("0000 fffe 0000 0000000000000000 0800"), bare),
      null,
    ],
    ["without a header", linkType.raw, bare, null],
    ["on a loopback", linkType.loopback, concatBytes(fromHex("02000000"), bare), null],
  ];
  for (const [name, type, bytes, mac] of frames) {
    test(name, () => {
      const packet = read(bytes, type);
      expect(packet).toMatchObject({ kind: "vrrp", source: "192.0.2.11", ttl: 255, sourceMac: mac });
      expect(cause(packet)).toBe("none");
    });
  }

  test("behind two VLAN tags", () => {
    const frame = vrrpFrame({ vlan: 10 });
    const twice = concatBytes(frame.subarray(0, 12), fromHex("88a80064"), frame.subarray(12));
    expect(read(twice)?.vlans).toEqual([100, 10]);
  });

  test("in an authentication header", () => {
    const message = vrrpFrame({ version: 2, intervalMs: 1000 }).subarray(34);
    const header = fromHex("70040000 00001234 00000001 000102030405060708090a0b");
    const ip = { source: "192.0.2.11", destination: "224.0.0.18", ttl: 255, protocol: 51 };
    const packet = read(ethernetFrame(ipPacket(ip, concatBytes(header, message))));
    expect(packet).toMatchObject({
      kind: "vrrp",
      reading: { hasAuthenticationHeader: true, advert: { vrid: 51 } },
    });
  });
});

describe("dissect() says why it is none", () => {
  test("a fragment, and a frame of which the capture has the beginning", () => {
    const fragment = vrrpFrame();
    fragment[20] = 0x20;
    expect(cause(read(fragment))).toBe("fragment");
    expect(cause(read(vrrpFrame().subarray(0, 40), linkType.ethernet, 46))).toBe("cut");
  });

  test("a wrong checksum, with the right one", () => {
    const packet = read(vrrpFrame({ version: 2, intervalMs: 1000, change: (message) => message.with(7, 0) }));
    expect(packet).toMatchObject({
      reading: { kind: "malformed", cause: "checksum", version: 2, vrid: 51, priority: 200 },
    });
    const six = read(vrrpFrame({ source: "fe80::11", change: (message) => message.with(6, 0).with(7, 0) }));
    expect(six).toMatchObject({
      reading: { explanation: expect.stringMatching(/^its checksum is 0x0000 and should be 0x[0-9a-f]{4}$/) },
    });
  });
});

describe("dissect() reads what is beside", () => {
  const control = encodeControl({
    state: "up",
    diagnostic: 0,
    isPoll: false,
    isFinal: false,
    isControlPlaneIndependent: false,
    isDemand: false,
    detectMultiplier: 3,
    myDiscriminator: 1,
    yourDiscriminator: 2,
    desiredMinTxUs: 100_000,
    requiredMinRxUs: 100_000,
    requiredMinEchoRxUs: 0,
  });
  const bfd = (port: number, ttl: number): Packet | null => {
    const udp = concatBytes(Uint8Array.of(0xc0, 1, port >> 8, port & 255, 0, 32, 0, 0), control);
    const ip = { source: "192.0.2.11", destination: "192.0.2.12", ttl, protocol: 17 };
    return read(ethernetFrame(ipPacket(ip, udp)));
  };

  test("BFD of one hop and of several", () => {
    expect(bfd(3784, 255)).toMatchObject({ kind: "bfd", isMultihop: false, reading: { kind: "packet" } });
    expect(bfd(3784, 64)).toMatchObject({ kind: "bfd", reading: { kind: "malformed", cause: "ttl" } });
    expect(bfd(4784, 64)).toMatchObject({
      kind: "bfd",
      isMultihop: true,
      reading: { packet: { state: "up" } },
    });
    expect(bfd(53, 255)).toBeNull();
  });

  test("neighbour advertisements, and no ARP probes", () => {
    const frame = unsolicitedAdvertisement({
      mac: fromHex("020000000011"),
      address: "2001:db8::100",
      isRouter: false,
    });
    const expected = {
      kind: "neighbour",
      protocol: "ndp",
      isGratuitous: true,
      address: "2001:db8::100",
      mac: "02:00:00:00:00:11",
    };
    expect(read(frame)).toMatchObject(expected);
    const probe = fromHex(
      "ffffffffffff020000000011 0806 0001080006040001 020000000011 00000000 000000000000 c0000264",
    );
    expect(read(probe)).toBeNull();
  });
});
