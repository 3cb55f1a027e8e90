import { describe, expect, test } from "bun:test";
import type { Finding } from "../../../src/watch/complaint.ts";
import { dissect } from "../../../src/watch/dissect.ts";
import { linkType } from "../../../src/watch/link-layer.ts";
import { noticeLine, packetLine } from "../../../src/watch/text.ts";
import { authenticationOf } from "../../../src/vrrp/packet.ts";
import { type FrameWish, vrrpFrame } from "../../support/vrrp-frame.ts";

const style = { hasColour: false, namesInterface: false, clock: () => "12:03:05.120" };

function line(wish: FrameWish, more: Partial<typeof style> = {}): string {
  const bytes = vrrpFrame(wish);
  const frame = { atMs: 1, interface: "eth2", linkType: linkType.ethernet, bytes, wireLength: bytes.length };
  const packet = dissect(frame);
  return packet === null ? "" : packetLine(packet, { ...style, ...more });
}

describe("packetLine()", () => {
  const route = "12:03:05.120 192.0.2.11 → 224.0.0.18  ";
  const cases: readonly (readonly [FrameWish, string])[] = [
    [{}, "v3 VRID 51 priority 200, every 100 ms, 192.0.2.100, from 02:00:00:00:00:11"],
    [
      { priority: 0, mac: "00005e000133" },
      "v3 VRID 51 priority 0 (resigns), every 100 ms, 192.0.2.100, from 00:00:5e:00:01:33 (virtual)",
    ],
    [
      { version: 2, intervalMs: 1000, priority: 255, auth: authenticationOf("s3cr3t"), ttl: 1 },
      "v2 VRID 51 priority 255 (owner), every 1 s, 192.0.2.100, PASS, TTL 1, from 02:00:00:00:00:11",
    ],
    [
      { form: "message-only" },
      "v3 VRID 51 priority 200, every 100 ms, 192.0.2.100, checksum without pseudo-header, from 02:00:00:00:00:11",
    ],
    [
      { change: (message) => message.with(0, 0x41) },
      "VRRP v4 VRID 51 priority 200 malformed: its version is 4",
    ],
  ];
  for (const [wish, text] of cases) {
    test(text, () => expect(line(wish)).toBe(route + text));
  }

  test("names the interface where there are several, and VLANs always", () => {
    expect(line({}, { namesInterface: true })).toStartWith("12:03:05.120 eth2 192.0.2.11");
    expect(line({ vlan: 10 })).toStartWith("12:03:05.120 eth2 vlan 10 192.0.2.11");
  });
});

test("noticeLine() writes what is wrong and what to do, in colour where that is wanted", () => {
  const finding: Finding = {
    code: "ttl",
    severity: "error",
    about: ["192.0.2.11"],
    text: "it is wrong",
    advice: "put it right",
    place: { interface: "eth2", vlans: [], vrid: 51, family: 6 },
    sinceMs: 1,
    lastMs: 1,
    count: 1,
  };
  const notice = { kind: "finding", atMs: 1, finding } as const;
  const text = "!! VRID 51 (IPv6): it is wrong; what to do: put it right";
  expect(noticeLine(notice, style)).toBe(`12:03:05.120 ${text}`);
  const coloured = noticeLine(notice, { ...style, hasColour: true });
  expect(coloured).toBe(`\u001B[2m12:03:05.120\u001B[0m \u001B[31m${text}\u001B[0m`);
  const over = noticeLine({ ...notice, kind: "over", atMs: 2001 }, style);
  expect(over).toBe("12:03:05.120 ok VRID 51 (IPv6): over after 2 s: it is wrong");
});
