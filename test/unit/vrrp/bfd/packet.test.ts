import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../../src/base/bytes.ts";
import {
  type BfdState,
  type ControlPacket,
  decodeControl,
  encodeControl,
} from "../../../../src/vrrp/bfd/packet.ts";

const base: ControlPacket = {
  state: "up",
  diagnostic: 0,
  isPoll: false,
  isFinal: false,
  isControlPlaneIndependent: false,
  isDemand: false,
  detectMultiplier: 3,
  myDiscriminator: 0xb193a8fb,
  yourDiscriminator: 0xb193a8fb,
  desiredMinTxUs: 60_000,
  requiredMinRxUs: 50_000,
  requiredMinEchoRxUs: 50_000,
};
const slow = { desiredMinTxUs: 1_000_000, requiredMinRxUs: 1_000_000 };

/** Captured from FRR's bfdd 8.4.4: interval 60 ms, minimum to receive 50 ms, multiplier 3. */
const captured: readonly { readonly name: string; readonly hex: string; readonly packet: ControlPacket }[] = [
  {
    name: "the first packet, which knows no session of ours",
    hex: "20400318 b193a8fb 00000000 000f4240 000f4240 0000c350",
    packet: { ...base, ...slow, state: "down", yourDiscriminator: 0 },
  },
  {
    name: "the answer to it",
    hex: "20800318 b193a8fb b193a8fb 000f4240 000f4240 0000c350",
    packet: { ...base, ...slow, state: "init" },
  },
  {
    name: "a poll",
    hex: "20e00318 b193a8fb b193a8fb 0000ea60 0000c350 0000c350",
    packet: { ...base, isPoll: true },
  },
  {
    name: "the end of a poll",
    hex: "20d00318 b193a8fb b193a8fb 0000ea60 0000c350 0000c350",
    packet: { ...base, isFinal: true },
  },
  {
    name: "the packet of every day",
    hex: "20c00318 b193a8fb b193a8fb 0000ea60 0000c350 0000c350",
    packet: base,
  },
  {
    name: "the operator's end",
    hex: "20000318 b193a8fb b193a8fb 0000ea60 0000c350 0000c350",
    packet: { ...base, state: "adminDown" },
  },
  {
    name: "the answer to the operator's end",
    hex: "23400318 b193a8fb 00000000 0000ea60 0000c350 0000c350",
    packet: { ...base, state: "down", diagnostic: 3, yourDiscriminator: 0 },
  },
];

const causeOf = (hex: string, ttl: number | null = 255): string => {
  const decoded = decodeControl(fromHex(hex), ttl);
  return decoded.kind === "malformed" ? decoded.cause : "none";
};

describe("a control packet", () => {
  for (const { name, hex, packet } of captured) {
    test(`reads ${name} of FRR`, () => {
      expect(decodeControl(fromHex(hex), 255)).toEqual({ kind: "packet", packet });
    });
    test(`writes ${name} as FRR does`, () => {
      expect(toHex(encodeControl(packet))).toBe(hex.replaceAll(" ", ""));
    });
  }

  const tail = "b193a8fb b193a8fb 0000ea60 0000c350 0000c350";

  test("RFC 5881 §5: needs a TTL of 255", () => {
    expect(causeOf(`20c00318 ${tail}`, 254)).toBe("ttl");
    expect(causeOf(`20c00318 ${tail}`, null)).toBe("ttl");
  });

  test("RFC 5880 §6.8.6: is dropped by version, length, multiplier, multipoint bit and discriminators, in this order", () => {
    expect(causeOf(`00c00000 ${tail}`)).toBe("version");
    expect(causeOf(`40c00318 ${tail}`)).toBe("version");
    expect(causeOf(`20c10017 ${tail}`)).toBe("length");
    expect(causeOf(`20c00319 ${tail}`)).toBe("length");
    expect(causeOf(`20c40318 ${tail}`)).toBe("length");
    expect(causeOf("")).toBe("length");
    expect(causeOf("20c00318 b193a8fb")).toBe("length");
    expect(causeOf(`20c10018 ${tail}`)).toBe("multiplier");
    expect(causeOf("20c10318 00000000 b193a8fb 0000ea60 0000c350 0000c350")).toBe("multipoint");
    expect(causeOf("20c00318 00000000 00000000 0000ea60 0000c350 0000c350")).toBe("myDiscriminator");
    expect(causeOf("20c00318 b193a8fb 00000000 0000ea60 0000c350 0000c350")).toBe("yourDiscriminator");
    expect(causeOf("20800318 b193a8fb 00000000 0000ea60 0000c350 0000c350")).toBe("yourDiscriminator");
    expect(causeOf(`20c4031a ${tail} 0102`)).toBe("authentication");
  });

  test("bytes behind the length it names are ignored", () => {
    expect(causeOf(`20c00318 ${tail} ffff`)).toBe("none");
  });

  test("comes back as it was written", () => {
    const u32 = fc.integer({ min: 1, max: 0xffffffff });
    const packets = fc.record({
      state: fc.constantFrom<BfdState>("adminDown", "down", "init", "up"),
      diagnostic: fc.integer({ min: 0, max: 31 }),
      isPoll: fc.boolean(),
      isFinal: fc.boolean(),
      isControlPlaneIndependent: fc.boolean(),
      isDemand: fc.boolean(),
      detectMultiplier: fc.integer({ min: 1, max: 255 }),
      myDiscriminator: u32,
      yourDiscriminator: u32,
      desiredMinTxUs: u32,
      requiredMinRxUs: u32,
      requiredMinEchoRxUs: u32,
    });
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodeControl(encodeControl(packet), 255)).toEqual({ kind: "packet", packet });
      }),
    );
  });

  test("of any bytes never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(decodeControl(bytes, 255).kind).toBeString();
        const [, ...rest] = bytes;
        expect(decodeControl(Uint8Array.of(0x20, ...rest), 255).kind).toBeString();
      }),
    );
  });
});
