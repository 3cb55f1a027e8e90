import { expect, test } from "bun:test";
import { nodeAt } from "../../../src/vrrp/neighbour-names.ts";

const lb2 = { node: "lb2", priority: 100, address: "192.0.2.11" };
const unknown = { node: "lb2", priority: 100, address: null };

test("nodeAt() finds a node by its address, and the only other one where the address says nothing", () => {
  expect(nodeAt([lb2, { node: "lb3", priority: 100, address: "192.0.2.12" }], "192.0.2.12")).toBe("lb3");
  expect(nodeAt([lb2], "192.0.2.66")).toBeNull();
  expect(nodeAt([lb2], null)).toBe("lb2");
  expect(nodeAt([unknown], "fe80::66")).toBe("lb2");
  expect(nodeAt([unknown, { node: "lb3", priority: 100, address: null }], "fe80::66")).toBeNull();
  expect(nodeAt([lb2, unknown], null)).toBeNull();
  expect(nodeAt([], null)).toBeNull();
});
