import { expect, test } from "bun:test";
import { toHex } from "../../../src/base/bytes.ts";
import { addressTests, filterAll } from "../../../src/kernel/packet-filter.ts";

test("filterAll() jumps from each failed test to the drop", () => {
  const program = filterAll([
    { offset: 12, size: 2, value: 0x0806 },
    { offset: 20, size: 1, value: 2 },
  ]);
  const words = toHex(program).match(/.{16}/g);
  expect(words).toEqual([
    "280000000c000000", // ldh [12]
    "1500000306080000", // jeq #0x806, next, drop
    "3000000014000000", // ldb [20]
    "1500000102000000", // jeq #2, take, drop
    "06000000ffffffff", // ret #-1
    "0600000000000000", // ret #0
  ]);
});

test("addressTests() compares an address word by word", () => {
  expect(addressTests(28, "192.0.2.1")).toEqual([{ offset: 28, size: 4, value: 0xc000_0201 }]);
  expect(addressTests(62, "2001:db8::1")).toEqual([
    { offset: 62, size: 4, value: 0x2001_0db8 },
    { offset: 66, size: 4, value: 0 },
    { offset: 70, size: 4, value: 0 },
    { offset: 74, size: 4, value: 1 },
  ]);
});
