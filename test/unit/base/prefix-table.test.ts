import { expect, test } from "bun:test";
import { PrefixTable } from "../../../src/base/prefix-table.ts";

test("an address that is asked for again gets the same answer, also after thousands of others", () => {
  const table = new PrefixTable([
    { address: "192.0.2.0", length: 24 },
    { address: "192.0.2.128", length: 25 },
    { address: "2001:db8::", length: 32 },
  ]);
  const asked = ["192.0.2.1", "192.0.2.200", "198.51.100.1", "2001:db8::1", "2001:db9::1"];
  const found = [24, 25, -1, 32, -1];
  expect(asked.map((address) => table.longest(address))).toEqual(found);
  expect(asked.map((address) => table.longest(address))).toEqual(found);
  for (let last = 0; last < 10_000; last++) table.has(`10.0.${last >> 8}.${last & 255}`);
  expect(asked.map((address) => table.longest(address))).toEqual(found);
});
