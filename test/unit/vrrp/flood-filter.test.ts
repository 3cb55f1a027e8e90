import { describe, expect, test } from "bun:test";
import { addressBytes } from "../../../src/base/address.ts";
import { concatBytes, fromHex } from "../../../src/base/bytes.ts";
import { soundAdvertsOnly } from "../../../src/vrrp/flood-filter.ts";
import { type Advert, authenticationOf, encodeAdvert, noAuthentication } from "../../../src/vrrp/packet.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** Runs a classic BPF program as Documentation/networking/filter.rst describes it; tells whether it takes the packet. */
function takes(program: Uint8Array, packet: Uint8Array): boolean {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const memory = new Uint32Array(16);
  let a = 0;
  let x = 0;
  for (let at = 0; ; at++) {
    const k = code.getUint32(8 * at + 4, true);
    const jump = (holds: boolean): number => code.getUint8(8 * at + (holds ? 2 : 3));
    const opcode = code.getUint16(8 * at, true);
    switch (opcode) {
      case 0x30:
      case 0x28: {
        const size = opcode === 0x30 ? 1 : 2;
        if (k + size > packet.length) return false;
        a = size === 1 ? data.getUint8(k) : data.getUint16(k);
        break;
      }
      case 0x80:
        a = packet.length;
        break;
      case 0x60:
        a = memory[k] ?? 0;
        break;
      case 0x61:
        x = memory[k] ?? 0;
        break;
      case 0x01:
        x = k;
        break;
      case 0x02:
        memory[k] = a;
        break;
      case 0x04:
        a = (a + k) >>> 0;
        break;
      case 0x0c:
        a = (a + x) >>> 0;
        break;
      case 0x14:
        a = (a - k) >>> 0;
        break;
      case 0x1c:
        a = (a - x) >>> 0;
        break;
      case 0x64:
        a = (a << k) >>> 0;
        break;
      case 0x74:
        a >>>= k;
        break;
      case 0x54:
        a = (a & k) >>> 0;
        break;
      case 0x15:
        at += jump(a === k);
        break;
      case 0x25:
        at += jump(a > k);
        break;
      case 0x07:
        x = a;
        break;
      case 0x87:
        a = x;
        break;
      case 0x06:
        return k !== 0;
      default:
        throw new Error(`instruction ${at} has the unknown code ${opcode}`);
    }
  }
}

const route = { source: "192.0.2.11", destination: "224.0.0.18" };

/** An IPv4 packet around a message. */
function packetOf(message: Uint8Array): Uint8Array {
  const header = concatBytes(
    fromHex("45c00000 00000000 ff700000"),
    addressBytes(route.source),
    addressBytes(route.destination),
  );
  return concatBytes(header, message);
}

function isTaken(message: Uint8Array): boolean {
  return takes(soundAdvertsOnly, packetOf(message));
}

function message(version: 2 | 3, count: number, form: "pseudo-header" | "message-only"): Uint8Array {
  const addresses = Array.from({ length: count }, (_, index) => `192.0.2.${100 + (index % 100)}`);
  const auth = version === 2 ? authenticationOf("s3cr3t") : noAuthentication;
  const timing = { priority: 200, intervalMs: 1000 } as const;
  const advert: Advert = { family: 4, version, vrid: 51, addresses, auth, ...timing };
  return encodeAdvert(advert, route, form);
}

describe("soundAdvertsOnly", () => {
  test("fits what the addon takes, and jumps no further than classic BPF can", () => {
    expect(soundAdvertsOnly.length / 8).toBeLessThanOrEqual(256);
  });

  test("takes what keepalived 2.2.7 sends (captured)", () => {
    const captured = [
      "2133c802 000191fe c0000264 c0000265 0000000000000000",
      "2133c801 0101494b c0000264 7333637233740000",
      "3133c801 0019a1b2 c0000264",
    ];
    for (const hex of captured) {
      const packet = packetOf(fromHex(hex));
      packet.set(addressBytes("192.0.2.11"), 12);
      expect(takes(soundAdvertsOnly, packet)).toBe(true);
    }
  });

  test("takes either form of the checksum, any number of addresses, and a signature behind them", () => {
    for (const form of ["pseudo-header", "message-only"] as const) {
      for (const count of [1, 2, 7, 15, 16, 17, 18, 40, 255]) {
        expect(isTaken(message(3, count, form))).toBe(true);
        expect(isTaken(message(2, count, form))).toBe(true);
        expect(isTaken(concatBytes(message(3, count, form), new Uint8Array(28).fill(7)))).toBe(true);
      }
    }
  });

  test("drops a message with any one bit turned round", () => {
    for (const version of [2, 3] as const) {
      const sound = message(version, 2, "pseudo-header");
      for (let bit = 0; bit < 8 * sound.length; bit++) {
        const damaged = Uint8Array.from(sound);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(isTaken(damaged)).toBe(false);
      }
    }
  });

  test("drops what is cut off, too long, or has IP options", () => {
    const sound = message(3, 2, "pseudo-header");
    for (let length = 0; length < sound.length; length++)
      expect(isTaken(sound.subarray(0, length))).toBe(false);
    expect(isTaken(concatBytes(sound, new Uint8Array(4)))).toBe(false);
    const packet = packetOf(sound);
    packet[0] = 0x46;
    expect(takes(soundAdvertsOnly, packet)).toBe(false);
  });

  test("drops almost everything that chance makes", () => {
    const random = seededRandom(3);
    let taken = 0;
    for (let index = 0; index < 20_000; index++) {
      const bytes = Uint8Array.from({ length: 12 }, () => Math.floor(random() * 256));
      bytes.set([0x31, 51, 255, 1]);
      if (isTaken(bytes)) taken += 1;
    }
    // Two sums of 65,536 are right.
    expect(taken).toBeLessThan(10);
  });
});
