import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { hmacSha256 } from "../../../src/vrrp/hmac-sha256.ts";
import { isGenuine, makeTrailer, readTrailer, type SignedText } from "../../../src/vrrp/hmac-trailer.ts";
import { decodeAdvert, encodeAdvert, noAuthentication, sumTrailer } from "../../../src/vrrp/packet.ts";

const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const stamp = 0x68000000_8000_0000n;
const by = { hash: hmacSha256, key };

/** Made by keepalived's own test of its trailer, with key 00…1f as key 1. */
const vectors: readonly { readonly name: string; readonly text: SignedText; readonly trailer: string }[] = [
  {
    name: "IPv4",
    text: { source: "198.51.100.10", message: fromHex("3133c80100644402c0000264") },
    trailer: "0101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265",
  },
  {
    name: "IPv6",
    text: { source: "fe80::10", message: fromHex("3133c8010064a2e9 fe800000000000000000000000000100") },
    trailer: "010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78",
  },
];

describe("the trailer of a signed message", () => {
  test.each(vectors)("is made and believed as keepalived does over $name", ({ text, trailer }) => {
    expect(toHex(makeTrailer(hmacSha256, { keyId: 1, key, stamp }, text))).toBe(trailer);
    expect(isGenuine(by, text, fromHex(trailer))).toBe(true);
    expect(readTrailer(fromHex(trailer))).toEqual({ type: 1, keyId: 1, stamp });
  });

  test.each(vectors)("over $name is not believed with any bit of it or of the message flipped", (vector) => {
    const { text } = vector;
    const whole = concatBytes(text.message, fromHex(vector.trailer));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const [byte, mask] = [bit >> 3, 1 << (bit & 7)];
      // The checksum is not under the signature, and guards itself.
      if (byte === 6 || byte === 7) continue;
      const forged = Uint8Array.from(whole);
      forged[byte] = (forged[byte] ?? 0) ^ mask;
      const message = forged.subarray(0, text.message.length);
      const result = isGenuine(by, { ...text, message }, forged.subarray(text.message.length));
      expect([bit, result]).toEqual([bit, false]);
    }
  });

  test.each(vectors)("over $name is not believed from another source, or with another key", (vector) => {
    const trailer = fromHex(vector.trailer);
    const source = vector.name === "IPv4" ? "198.51.100.11" : "fe80::11";
    expect(isGenuine(by, { ...vector.text, source }, trailer)).toBe(false);
    expect(isGenuine({ ...by, key: key.toReversed() }, vector.text, trailer)).toBe(false);
  });

  test("is not believed when it is cut short or empty", () => {
    const [{ text, trailer } = { text: { source: "::", message: new Uint8Array() }, trailer: "" }] = vectors;
    for (const length of [0, 12, 27]) {
      expect(isGenuine(by, text, fromHex(trailer).subarray(0, length))).toBe(false);
    }
  });

  test("is believed for whatever was signed", () => {
    const anything = fc.record({
      message: fc.uint8Array({ minLength: 8, maxLength: 100 }),
      source: fc.constantFrom("192.0.2.11", "fe80::1"),
      keyId: fc.integer({ min: 1, max: 255 }),
      secret: fc.uint8Array({ minLength: 16, maxLength: 64 }),
      time: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    fc.assert(
      fc.property(anything, ({ message, source, keyId, secret, time }) => {
        const trailer = makeTrailer(hmacSha256, { keyId, key: secret, stamp: time }, { message, source });
        expect(readTrailer(trailer)).toEqual({ type: 1, keyId, stamp: time });
        expect(isGenuine({ hash: hmacSha256, key: secret }, { message, source }, trailer)).toBe(true);
      }),
    );
  });
});

describe("decodeAdvert on signed messages", () => {
  const route = { source: "198.51.100.10", destination: "224.0.0.18", ttl: 255 };
  const [vector] = vectors;
  const message = vector?.text.message ?? new Uint8Array();
  const trailer = fromHex(vector?.trailer ?? "");

  test("sets the trailer apart, with the checksum over the message alone", () => {
    expect(decodeAdvert(concatBytes(message, trailer), route)).toMatchObject({
      kind: "advert",
      checksum: "message-only",
      message,
      trailer,
      advert: { version: 3, vrid: 51, priority: 200, intervalMs: 1000, addresses: ["192.0.2.100"] },
    });
  });

  test("takes the checksum with a pseudo-header as well, its length without the trailer", () => {
    const captured = fromHex("3133c801 0019a1b2 c0000264");
    const decoded = decodeAdvert(concatBytes(captured, trailer), { ...route, source: "192.0.2.11" });
    expect(decoded).toMatchObject({ kind: "advert", checksum: "pseudo-header", trailer });
  });

  test("refuses a flipped checksum, and a trailer of another length or in version 2", () => {
    const flipped = message.with(7, 0x03);
    expect(decodeAdvert(concatBytes(flipped, trailer), route)).toMatchObject({ cause: "checksum" });
    for (const other of [trailer.subarray(1), concatBytes(trailer, new Uint8Array(1))]) {
      expect(decodeAdvert(concatBytes(message, other), route)).toMatchObject({ cause: "length" });
    }
    const version2 = fromHex("2133c801 0101494b c0000264 7333637233740000");
    expect(decodeAdvert(concatBytes(version2, trailer), route)).toMatchObject({ cause: "length" });
  });

  test("over IPv6 takes the checksum over the trailer too, as keepalived's vector has it, and makes it so", () => {
    const route6 = { source: "fe80::10", destination: "fe80::20", ttl: 255 };
    const whole = concatBytes(
      vectors[1]?.text.message ?? new Uint8Array(),
      fromHex(vectors[1]?.trailer ?? ""),
    );
    const decoded = decodeAdvert(whole, route6);
    expect(decoded).toMatchObject({
      kind: "advert",
      trailer: whole.subarray(-28),
      advert: { family: 6, vrid: 51, priority: 200, intervalMs: 1000, addresses: ["fe80::100"] },
    });
    if (decoded.kind !== "advert") throw new Error("malformed");
    const { advert, message } = decoded;
    const plain = encodeAdvert({ ...advert, auth: noAuthentication }, route6, "pseudo-header");
    expect(isGenuine(by, { source: route6.source, message }, whole.subarray(-28))).toBe(true);
    expect(toHex(sumTrailer(concatBytes(plain, whole.subarray(-28)), route6))).toBe(toHex(whole));
    // The sum of the message alone is none here.
    expect(decodeAdvert(concatBytes(plain, whole.subarray(-28)), route6)).toMatchObject({
      cause: "checksum",
    });
  });
});
