import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { addressBytes, addressFromBytes } from "../../../src/base/address.ts";
import { type Advert, authenticationOf, decodeAdvert, encodeAdvert } from "../../../src/vrrp/packet.ts";

const route = { source: "192.0.2.11", destination: "224.0.0.18", ttl: 255 };
const route6 = { source: "fe80::4010:4eff:fecb:c29e", destination: "ff02::12", ttl: 255 };
const vectors = [
  "2133c802 000191fe c0000264 c0000265 0000000000000000",
  "2133c801 0101494b c0000264 7333637233740000",
  "21016401 0001ba52 c0a80001 00000000 00000000",
  "3133c801 0019a1b2 c0000264",
  "3133c801 0019444d c0000264",
].map(fromHex);

const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join("."));
const advert: fc.Arbitrary<Advert> = fc.record({
  family: fc.constant<4>(4),
  version: fc.constantFrom<2 | 3>(2, 3),
  vrid: fc.integer({ min: 1, max: 255 }),
  priority: fc.nat(255),
  intervalMs: fc.integer({ min: 1, max: 40 }).map((seconds) => seconds * 1000),
  addresses: fc.array(address, { minLength: 1, maxLength: 255 }),
  auth: fc.constant(authenticationOf(null)),
});

const vector6 = fromHex(
  "3133c802 001989ce fe800000000000000000000000000100 20010db8000000000000000000000100",
);
const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(addressFromBytes);
const advert6: fc.Arbitrary<Advert> = fc.record({
  family: fc.constant<6>(6),
  version: fc.constant<3>(3),
  vrid: fc.integer({ min: 1, max: 255 }),
  priority: fc.nat(255),
  intervalMs: fc.integer({ min: 1, max: 4095 }).map((centiseconds) => centiseconds * 10),
  addresses: fc.array(address6, { minLength: 1, maxLength: 255 }),
  auth: fc.constant(authenticationOf(null)),
});

/** Adds 16-bit words as RFC 1071 does, written apart from the code under test. */
function sumIsGood(bytes: Uint8Array, pseudo: readonly number[]): boolean {
  const all = [...pseudo, ...bytes, ...(bytes.length % 2 === 1 ? [0] : [])];
  let sum = 0;
  for (let index = 0; index < all.length; index += 2) {
    sum += (all[index] ?? 0) * 256 + (all[index + 1] ?? 0);
    if (sum > 65_535) sum -= 65_535;
  }
  return sum === 65_535;
}

describe("decodeAdvert", () => {
  test("reads back whatever encodeAdvert wrote, in either form", () => {
    const form = fc.constantFrom("pseudo-header" as const, "message-only" as const);
    fc.assert(
      fc.property(advert, form, (original, checksum) => {
        const decoded = decodeAdvert(encodeAdvert(original, route, checksum), route);
        expect(decoded).toMatchObject({ kind: "advert", advert: original });
      }),
    );
    fc.assert(
      fc.property(advert6, form, (original, checksum) => {
        const decoded = decodeAdvert(encodeAdvert(original, route6, checksum), route6);
        expect(decoded).toMatchObject({ kind: "advert", advert: original, checksum: "pseudo-header" });
      }),
    );
  });

  test("never throws on bytes of any kind", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), fc.nat(255), fc.boolean(), (bytes, ttl, is6) => {
        decodeAdvert(bytes, { ...(is6 ? route6 : route), ttl });
      }),
      { numRuns: 2000 },
    );
  });

  test("never throws on, and never accepts a bad checksum from, mutated vectors", () => {
    const mutation = fc.record({
      vector: fc.constantFrom(...vectors),
      flips: fc.array(fc.tuple(fc.nat(23), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
      cut: fc.nat(6),
      extra: fc.uint8Array({ maxLength: 6 }),
    });
    fc.assert(
      fc.property(mutation, ({ vector, flips, cut, extra }) => {
        const bytes = Uint8Array.from([...vector.subarray(0, vector.length - cut), ...extra]);
        for (const [index, mask] of flips) {
          const old = bytes[index];
          if (old !== undefined) bytes[index] = old ^ mask;
        }
        const decoded = decodeAdvert(bytes, route);
        if (decoded.kind === "malformed") return;
        const pseudo = [192, 0, 2, 11, 224, 0, 0, 18, 0, 112, bytes.length >> 8, bytes.length & 255];
        const isGood = sumIsGood(bytes, []) || (decoded.advert.version === 3 && sumIsGood(bytes, pseudo));
        expect(`${toHex(bytes)} ${isGood}`).toBe(`${toHex(bytes)} true`);
      }),
      { numRuns: 5000 },
    );
  });

  test("never accepts a bad checksum, or a message without its pseudo-header, from a mutated IPv6 vector", () => {
    const mutation = fc.record({
      flips: fc.array(fc.tuple(fc.nat(39), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
      cut: fc.constantFrom(0, 0, 1, 16, 32),
      extra: fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ minLength: 28, maxLength: 28 })),
    });
    fc.assert(
      fc.property(mutation, ({ flips, cut, extra }) => {
        const bytes = Uint8Array.from([...vector6.subarray(0, vector6.length - cut), ...extra]);
        for (const [index, mask] of flips) {
          const old = bytes[index];
          if (old !== undefined) bytes[index] = old ^ mask;
        }
        if (decodeAdvert(bytes, route6).kind === "malformed") return;
        const route = [...addressBytes(route6.source), ...addressBytes(route6.destination)];
        const pseudo = [...route, 0, 0, bytes.length >> 8, bytes.length & 255, 0, 0, 0, 112];
        expect(`${toHex(bytes)} ${sumIsGood(bytes, pseudo)}`).toBe(`${toHex(bytes)} true`);
      }),
      { numRuns: 5000 },
    );
  });
});
