import { expect, test } from "bun:test";
import { concatBytes, fromHex, toHex } from "../../../../src/base/bytes.ts";
import { AttributeWriter } from "../../../../src/kernel/netlink/attribute-writer.ts";
import { attribute, be16, be32, nested, u16, u32, u8 } from "../../../../src/kernel/netlink/attribute.ts";
import { written } from "../../../support/written-attributes.ts";

test("attributes are those that are written one by one", () => {
  const address = fromHex("20010db8000000000000000000000008");
  const ours = written((writer) => {
    writer.copy(u8(1, 255));
    const start = writer.begin(2);
    writer.u8(3, 7);
    writer.u16(4, 0xfffe);
    writer.be16(5, 443);
    const inner = writer.begin(6);
    writer.u32(7, 0xffff_fffe);
    writer.be32(8, 0x0a00_0008);
    writer.end(inner);
    writer.bytes(9, address);
    writer.bytes(10, Uint8Array.of(1, 2, 3));
    writer.end(start);
  });
  const inner = nested(6, u32(7, 0xffff_fffe), be32(8, 0x0a00_0008));
  const own = [u8(3, 7), u16(4, 0xfffe), be16(5, 443), inner, attribute(9, address)];
  const theirs = concatBytes(u8(1, 255), nested(2, ...own, attribute(10, Uint8Array.of(1, 2, 3))));
  expect(toHex(ours)).toBe(toHex(theirs));
});

test("a number may begin a longer attribute, and what stood in its place before is not seen", () => {
  const writer = new AttributeWriter();
  writer.bytes(1, new Uint8Array(64).fill(0xff));
  writer.clear();
  writer.be32(1, 0xc000_0201, 16);
  writer.u8(2, 1);
  expect(toHex(writer.written)).toBe(`14000100c0000201${"00".repeat(12)}0500020001000000`);
});

test("there is room for more than is usual", () => {
  const long = new Uint8Array(1_000).fill(1);
  const ours = written((writer) => {
    const start = writer.begin(1);
    for (let type = 2; type < 12; type++) writer.bytes(type, long);
    writer.end(start);
  });
  const parts = Array.from({ length: 10 }, (_, index) => attribute(index + 2, long));
  expect(toHex(ours)).toBe(toHex(nested(1, ...parts)));
});
