import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { concatBytes, fromHex, toHex } from "../../../../src/base/bytes.ts";
import {
  attribute,
  be16,
  nested,
  parseAttributes,
  readBe16,
  readNested,
  readText,
  readU16,
  readU32,
  readU8,
  text,
  u16,
  u32,
  u8,
} from "../../../../src/kernel/netlink/attribute.ts";

describe("attributes", () => {
  test("attribute() pads to four bytes and leaves the padding out of the length", () => {
    expect(toHex(text(3, "eth2:0"))).toBe("0b000300657468323a300000");
    expect(toHex(u8(11, 0x45))).toBe("05000b0045000000");
  });

  test("numbers are little-endian, but be16() is in network order", () => {
    expect(toHex(u16(2, 6))).toBe("0600020006000000");
    expect(toHex(u32(8, 50))).toBe("0800080032000000");
    expect(toHex(be16(4, 80))).toBe("0600040000500000");
  });

  test("nested() marks the type and parseAttributes() takes the mark off", () => {
    const bytes = nested(1, u16(1, 2));
    expect(toHex(bytes)).toBe("0c0001800600010002000000");
    expect(readU16(readNested(parseAttributes(bytes), 1), 1)).toBe(2);
  });

  test("parseAttributes() reads a message of the kernel's", () => {
    const attributes = parseAttributes(
      fromHex("08000100c0000264 08000200c0000264 0b000300657468323a300000 05000b0045000000"),
    );
    expect(toHex(attributes.get(2) ?? new Uint8Array())).toBe("c0000264");
    expect(readText(attributes, 3)).toBe("eth2:0");
    expect(readU8(attributes, 11)).toBe(0x45);
  });

  test("parseAttributes() keeps what is whole when the last one is cut off", () => {
    const attributes = parseAttributes(fromHex("0800010001000000 0800020001"));
    expect([...attributes.keys()]).toEqual([1]);
  });

  test("parseAttributes() stops when a length is below that of the header", () => {
    expect(parseAttributes(fromHex("0000010001000000")).size).toBe(0);
    expect(parseAttributes(fromHex("0300010001000000")).size).toBe(0);
  });

  test("numbers that are missing or too short read as null", () => {
    const attributes = parseAttributes(fromHex("0500010001000000"));
    expect([readU8(attributes, 1), readU16(attributes, 1), readU32(attributes, 1)]).toEqual([1, null, null]);
    expect([readBe16(attributes, 1), readU8(attributes, 9), readText(attributes, 9)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(readNested(attributes, 9).size).toBe(0);
  });

  test("parseAttributes() returns what attribute() wrote, whatever the types and values", () => {
    const values = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 0, max: 0x3fff }), fc.uint8Array({ maxLength: 40 })),
      { selector: ([type]) => type, maxLength: 12 },
    );
    fc.assert(
      fc.property(values, (list) => {
        const bytes = concatBytes(...list.map(([type, value]) => attribute(type, value)));
        expect([...parseAttributes(bytes)]).toEqual(list);
      }),
    );
  });

  test("parseAttributes() never reads past its edge, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const [type, value] of parseAttributes(bytes)) {
          expect(value.length).toBeLessThanOrEqual(bytes.length);
          readU32(parseAttributes(bytes), type);
          readText(parseAttributes(bytes), type);
        }
      }),
    );
  });
});
