import { expect, test } from "bun:test";
import { concerns, formatDrainTarget, parseDrainTarget } from "../../../src/ipc/drain-target.ts";

test.each([
  ["web/192.0.2.8", { service: "web", address: "192.0.2.8", port: null }],
  ["web/192.0.2.8:80", { service: "web", address: "192.0.2.8", port: 80 }],
  ["web/2001:DB8::8", { service: "web", address: "2001:db8::8", port: null }],
  ["web/[2001:db8::8]:443", { service: "web", address: "2001:db8::8", port: 443 }],
])("parseDrainTarget() reads %s", (text, target) => {
  expect(parseDrainTarget(text)).toEqual(target);
  expect(parseDrainTarget(formatDrainTarget(target))).toEqual(target);
});

test.each([
  "web",
  "/192.0.2.8",
  "web/",
  "web/host",
  "web/192.0.2.8:0",
  "web/192.0.2.8:70000",
  "web/[192.0.2",
])("parseDrainTarget() refuses %s", (text) => expect(parseDrainTarget(text)).toBeNull());

test("a target without a port is the server at every port", () => {
  const web = { name: "web" };
  const all = { service: "web", address: "192.0.2.8", port: null };
  expect(concerns(all, web, { address: "192.0.2.8", port: 81 })).toBe(true);
  expect(concerns({ ...all, port: 80 }, web, { address: "192.0.2.8", port: 81 })).toBe(false);
  expect(concerns(all, { name: "other" }, { address: "192.0.2.8", port: 80 })).toBe(false);
});
