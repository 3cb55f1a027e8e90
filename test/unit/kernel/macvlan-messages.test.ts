import { describe, expect, test } from "bun:test";
import { concatBytes } from "../../../src/base/bytes.ts";
import {
  aliasPayload,
  groupRemoval,
  linkQuery,
  macvlanPayload,
  parseLinkDetails,
} from "../../../src/kernel/macvlan-messages.ts";
import { linkRemoval, upPayload } from "../../../src/kernel/route-messages.ts";
import { attribute, nested, text, u32 } from "../../../src/kernel/netlink/attribute.ts";

const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33);

/** An RTM_NEWLINK payload as the kernel sends it: an Ethernet interface with this index and these flags. */
function linkPayload(index: number, flags: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  const head = Uint8Array.of(0, 0, 1, 0, index, 0, 0, 0, flags, 0x10, 0, 0, 0, 0, 0, 0);
  return concatBytes(head, ...attributes);
}

describe("rtnetlink messages of macvlans", () => {
  test("a macvlan is made in bridge mode, with its MAC and its group", () => {
    const made = macvlanPayload({ name: "v", mac, parentIndex: 2, group: 0x4548 });
    expect(Buffer.from(made).toString("hex")).toBe(
      [
        "00".repeat(16),
        "0600030076000000",
        "0800050002000000",
        "0a00010000005e0001330000",
        "08001b0048450000",
        "1c0012800c0001006d6163766c616e000c0002800800010004000000",
      ].join(""),
    );
  });

  test("a description, a state, a question and a removal name one interface", () => {
    expect(Buffer.from(aliasPayload(7, "x")).toString("hex")).toBe(
      `0000000007000000${"00".repeat(8)}0600140078000000`,
    );
    expect(Buffer.from(upPayload(7, true)).toString("hex")).toBe("00000000070000000100000001000000");
    expect(Buffer.from(upPayload(7, false)).toString("hex")).toBe("00000000070000000000000001000000");
    expect(Buffer.from(linkQuery("v")).toString("hex")).toBe(`${"00".repeat(16)}0600030076000000`);
    expect(Buffer.from(linkRemoval(7)).toString("hex")).toBe(`0000000007000000${"00".repeat(8)}`);
    expect(Buffer.from(groupRemoval(0x4548)).toString("hex")).toBe(`${"00".repeat(16)}08001b0048450000`);
  });

  test("an interface is read back with what makes it ours", () => {
    const payload = linkPayload(
      9,
      1,
      text(3, "vrrp4-51-eth0"),
      attribute(1, mac),
      u32(5, 2),
      u32(27, 0x4548),
      text(20, "edge-ha virtual router 51"),
      nested(18, text(1, "macvlan"), nested(2, u32(1, 4))),
    );
    expect(parseLinkDetails(payload)).toEqual({
      index: 9,
      name: "vrrp4-51-eth0",
      mac,
      isUp: true,
      isEthernet: true,
      kind: "macvlan",
      group: 0x4548,
      alias: "edge-ha virtual router 51",
      parentIndex: 2,
      isMacvlanBridge: true,
    });
  });

  test("hardware has no kind, another mode is no bridge, and a short payload is nothing", () => {
    const plain = { kind: null, group: 0, alias: null, parentIndex: null, isMacvlanBridge: false };
    expect(parseLinkDetails(linkPayload(2, 0, text(3, "eth0")))).toMatchObject({ isUp: false, ...plain });
    const hidden = nested(18, text(1, "macvlan"), nested(2, u32(1, 1)));
    expect(parseLinkDetails(linkPayload(2, 0, hidden))?.isMacvlanBridge).toBe(false);
    expect(parseLinkDetails(new Uint8Array(15))).toBeNull();
  });
});
