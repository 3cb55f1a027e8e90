import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex } from "../../../src/base/bytes.ts";
import { gratuitousArp } from "../../../src/kernel/arp.ts";
import { unsolicitedAdvertisement } from "../../../src/kernel/ndp.ts";
import { neighbourQuestion } from "../../../src/kernel/neighbour-question.ts";
import { neighbourWordFilter, readNeighbourWord } from "../../../src/kernel/neighbour-word.ts";

const own = fromHex("020000000010");
const other = fromHex("0200000000fe");
const vip = "2001:db8::100";
const unsolicited = unsolicitedAdvertisement({ mac: other, address: vip, isRouter: false });
/** An answer as Linux gives it: solicited, override, with the target's hardware address. */
const answer = fromHex(
  "020000000010 0200000000fe 86dd 60000000 0020 3aff" +
    "20010db8000000000000000000000100 fe800000000000000000000000000010" +
    "8800 b6a2 60000000 20010db8000000000000000000000100 0201 0200000000fe",
);

function changed(frame: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = frame.slice();
  copy[offset] = value;
  return copy;
}

describe("readNeighbourWord()", () => {
  test("reads ARP, and tells an answer to us from what everybody hears", () => {
    const word = { address: "192.0.2.100", mac: "02:00:00:00:00:fe" };
    expect(readNeighbourWord(gratuitousArp(other, "192.0.2.100"), own)).toEqual({ ...word, isAnswer: false });
    const reply = fromHex(
      "020000000010 0200000000fe 0806 0001080006040002 0200000000fe c0000264 020000000010 00000000",
    );
    expect(readNeighbourWord(reply, own)).toEqual({ ...word, isAnswer: true });
    expect(readNeighbourWord(reply, other)).toEqual({ ...word, isAnswer: false });
  });

  test("reads neighbour advertisements in the same way", () => {
    const word = { address: vip, mac: "02:00:00:00:00:fe" };
    expect(readNeighbourWord(unsolicited, own)).toEqual({ ...word, isAnswer: false });
    expect(readNeighbourWord(answer, own)).toEqual({ ...word, isAnswer: true });
    expect(readNeighbourWord(answer, other)).toEqual({ ...word, isAnswer: false });
    expect(readNeighbourWord(concatBytes(answer, new Uint8Array(6)), own)?.mac).toBe(word.mac);
  });

  test("takes the sender's hardware address where there is no option", () => {
    const bare = concatBytes(answer.subarray(0, 78));
    bare.set([0, 0x18], 18);
    // The length is less by 8, and the option's words are gone from the sum.
    bare.set(fromHex("bba9"), 56);
    expect(readNeighbourWord(bare, own)).toMatchObject({ address: vip, mac: "02:00:00:00:00:fe" });
  });

  test("takes nothing that has passed a router, is damaged, cut off or another message", () => {
    expect(readNeighbourWord(changed(answer, 21, 64), own)).toBeNull();
    expect(readNeighbourWord(changed(answer, 77, 1), own)).toBeNull();
    expect(readNeighbourWord(changed(answer, 54, 135), own)).toBeNull();
    expect(readNeighbourWord(changed(answer, 55, 1), own)).toBeNull();
    for (const length of [0, 12, 53, 60, 77, 80]) {
      expect(readNeighbourWord(answer.subarray(0, length), own)).toBeNull();
    }
    const question = neighbourQuestion({ mac: other, address: "fe80::1" }, vip);
    expect(readNeighbourWord(question, own)).toBeNull();
  });
});

const some = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `2001:db8::${(index + 1).toString(16)}`);

describe("neighbourWordFilter()", () => {
  test("has room for so many addresses, and lets all through beyond that", () => {
    expect(neighbourWordFilter(6, some(2)).length / 8).toBe(6 + 1 + 2 + 2);
    expect(neighbourWordFilter(6, some(240)).length / 8).toBeLessThanOrEqual(256);
    expect(neighbourWordFilter(6, some(241)).length / 8).toBe(8);
    expect(neighbourWordFilter(4, ["192.0.2.100"]).length / 8).toBe(4);
  });
});
