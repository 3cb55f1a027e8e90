import { describe, expect, test } from "bun:test";
import {
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import { HpackDecoder } from "../../../../src/proxy/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../../../src/proxy/http2/hpack-encoder.ts";
import { decodeHuffman } from "../../../../src/proxy/http2/huffman.ts";

const limits = { fields: 100, bytes: 65_536 };

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex");
}

function decoded(decoder: HpackDecoder, block: Buffer): readonly string[] | string {
  const outcome = decoder.decode(block, 0, block.length);
  return outcome === "complete" ? decoder.fields.map(({ name, value }) => `${name}: ${value}`) : outcome;
}

describe("a header block", () => {
  test("of RFC 7541 §C.3, requests without Huffman's code, is read on one table", () => {
    const decoder = new HpackDecoder(4096, limits);
    const first = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    expect(decoded(decoder, hex("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"))).toEqual(first);
    expect(decoded(decoder, hex("8286 84be 5808 6e6f 2d63 6163 6865"))).toEqual([
      ...first,
      "cache-control: no-cache",
    ]);
    expect(
      decoded(decoder, hex("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65")),
    ).toEqual([
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value",
    ]);
  });

  test("of RFC 7541 §C.6, responses in Huffman's code, is read while entries are pushed out", () => {
    const decoder = new HpackDecoder(256, limits);
    const first =
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
    expect(decoded(decoder, hex(first))).toEqual([
      ":status: 302",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ]);
    expect(decoded(decoder, hex("4883 640e ffc1 c0bf"))).toEqual([
      ":status: 307",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ]);
  });

  test("that is malformed is told", () => {
    for (const block of [
      "80", // index 0 (§6.1)
      "ff", // an index cut off
      "ffffffffffff7f", // an index without end
      "c0", // no such entry
      "40 05 61", // a name cut off
      "40 81 00 01 61", // padding that is not all ones (§5.2)
      "82 20", // a new size behind a field (§4.2)
      "3fe2 1f", // a size above ours (§6.3)
    ]) {
      expect([block, decoded(new HpackDecoder(4096, limits), hex(block))]).toEqual([block, "malformed"]);
    }
  });

  test("that names one large entry many times is too large, and the table stays right", () => {
    const decoder = new HpackDecoder(4096, { fields: 1000, bytes: 8192 });
    const entry = Buffer.concat([hex("40 01 61 7f 81 0f"), Buffer.alloc(2000, "v")]);
    const length = entry.length - 6;
    entry[4] = ((length - 127) & 0x7f) | 0x80;
    entry[5] = (length - 127) >> 7;
    const bomb = Buffer.concat([entry, Buffer.alloc(100, 0xbe)]);
    expect(decoder.decode(bomb, 0, bomb.length)).toBe("too-large");
    expect(decoder.decode(Buffer.from([0xbe]), 0, 1)).toBe("complete");
    expect(decoder.fields[0]?.value.length).toBe(length);
  });

  test("never throws, whatever the bytes", () => {
    assert(
      property(array(uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(4096, limits);
        for (const block of blocks) decoder.decode(Buffer.from(block), 0, block.length);
      }),
    );
  });

  test("is read as it was written, block after block, while the table's size changes", () => {
    const text = string({ unit: constantFrom("a", "b", "z", "-", "0", "9", " ", "é", "~"), maxLength: 60 });
    const name = constantFrom(":status", "date", "server", "content-length", "x-a", "x-bc", "set-cookie");
    const field = tuple(name, text);
    const step = oneof(
      record({ fields: array(field, { maxLength: 12 }) }),
      record({ limit: integer({ min: 0, max: 4096 }) }),
    );
    assert(
      property(array(step, { maxLength: 30 }), (steps) => {
        const encoder = new HpackEncoder(4096);
        const decoder = new HpackDecoder(4096, limits);
        const out = Buffer.alloc(8192);
        for (const one of steps) {
          if ("limit" in one) {
            encoder.limit(one.limit);
            continue;
          }
          let at = encoder.begin(out, 0);
          for (const [key, value] of one.fields) at = encoder.field(out, at, key, value);
          expect(decoder.decode(out, 0, at)).toBe("complete");
          expect(decoder.fields.map((f) => [f.name, f.value] as const)).toEqual(one.fields);
        }
      }),
    );
  });

  test("that was sent before is one octet a field", () => {
    const encoder = new HpackEncoder(4096);
    const out = Buffer.alloc(200);
    const write = (): number => {
      let at = encoder.begin(out, 0);
      for (const [key, value] of [
        [":status", "200"],
        ["server", "nginx"],
        ["x-served-by", "edge"],
      ] as const)
        at = encoder.field(out, at, key, value);
      return at;
    };
    expect(write()).toBe(1 + 7 + 18);
    expect(write()).toBe(3);
  });
});

describe("Huffman's code", () => {
  test.each([
    ["f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"],
    ["a8eb 1064 9cbf", "no-cache"],
    ["25a8 49e9 5ba9 7d7f", "custom-key"],
    ["d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
    [
      "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
    ["", ""],
  ])("%s is %s (RFC 7541 §C)", (bytes, text) => {
    expect(decodeHuffman(hex(bytes), 0, hex(bytes).length)).toBe(text);
  });

  test.each(["ff", "ffff", "ffffffff", "1ffe", "00", "fffffffc"])("%s is malformed", (bytes) => {
    expect(decodeHuffman(hex(bytes), 0, hex(bytes).length)).toBeNull();
  });
});
