import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { type Advert, authenticationOf, decodeAdvert, encodeAdvert } from "../../../src/vrrp/packet.ts";

const route = { source: "192.0.2.11", destination: "224.0.0.18", ttl: 255 };
const vectors = [
  "2133c802 000191fe c0000264 c0000265 0000000000000000",
  "2133c801 0101494b c0000264 7333637233740000",
  "21016401 0001ba52 c0a80001 00000000 00000000",
  "3133c801 0019a1b2 c0000264",
  "3133c801 0019444d c0000264",
].map(fromHex);

const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join("."));
const advert: fc.Arbitrary<Advert> = fc.record({
  version: fc.constantFrom<2 | 3>(2, 3),
  vrid: fc.integer({ min: 1, max: 255 }),
  priority: fc.nat(255),
  intervalMs: fc.integer({ min: 1, max: 40 }).map((seconds) => seconds * 1000),
  addresses: fc.array(address, { minLength: 1, maxLength: 255 }),
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
  });

  test("never throws on bytes of any kind", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), fc.nat(255), (bytes, ttl) => {
        decodeAdvert(bytes, { ...route, ttl });
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
});
