import { expect, test } from "bun:test";
import { concatBytes, fromHex } from "../../../src/base/bytes.ts";
import { parseDefaultRoute } from "../../../src/kernel/default-routes.ts";

// default via 192.0.2.1 dev (2) mtu 1400 advmss 1360, in the main table.
const head = (length: string): Uint8Array => fromHex(`02${length}0000fe030001 00000000`.replaceAll(" ", ""));
const rest = fromHex("08000f00fe000000 08000500c0000201 0800040002000000".replaceAll(" ", ""));
const metrics = fromHex("14000880 0800020078050000 0800080050050000".replaceAll(" ", ""));

test("a default route says how large packets and segments may be", () => {
  expect(parseDefaultRoute(concatBytes(head("00"), rest, metrics))).toMatchObject({
    destination: { address: "0.0.0.0", length: 0 },
    gateway: "192.0.2.1",
    linkIndex: 2,
    table: 254,
    mtu: 1400,
    advertisedMss: 1360,
  });
});

test("a route without metrics says nothing of sizes, and other routes are passed over", () => {
  expect(parseDefaultRoute(concatBytes(head("00"), rest))).toMatchObject({ mtu: null, advertisedMss: null });
  const network = fromHex("08000100c0000200");
  expect(parseDefaultRoute(concatBytes(head("18"), network, rest))).toBeNull();
});
