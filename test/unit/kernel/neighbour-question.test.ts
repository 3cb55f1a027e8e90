import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { answeredMac, isAnswer, neighbourQuestion } from "../../../src/kernel/neighbour-question.ts";

const mac = fromHex("020000000010");
const asker = { mac, address: "192.0.2.10" };
const asker6 = { mac, address: "2001:db8::10" };

describe("neighbourQuestion()", () => {
  test("is an ARP request to everybody from an own address", () => {
    expect(toHex(neighbourQuestion(asker, "192.0.2.1"))).toBe(
      "ffffffffffff" +
        "020000000010" +
        "0806" +
        "0001080006040001" +
        "020000000010" +
        "c000020a" +
        "000000000000" +
        "c0000201",
    );
  });

  test("is a neighbour solicitation to the solicited-node group", () => {
    expect(toHex(neighbourQuestion(asker6, "2001:db8::12:3456"))).toBe(
      "3333ff123456" +
        "020000000010" +
        "86dd" +
        "60000000" +
        "0020" + // 32 bytes
        "3aff" + // ICMPv6, hop limit 255
        "20010db8000000000000000000000010" +
        "ff0200000000000000000001ff123456" +
        "8700" +
        "b33c" +
        "00000000" +
        "20010db8000000000000000000123456" +
        "0101020000000010",
    );
  });
});

const reply = (operation: string, to: string, toMac = "020000000010", from = "c0000201"): Uint8Array =>
  fromHex(`${toMac} 0200000000fe 0806 000108000604${operation} 0200000000fe ${from} ${toMac} ${to}`);

describe("isAnswer() over IPv4", () => {
  test("takes a reply to the asker", () => {
    expect(isAnswer(reply("0002", "c000020a"), asker, "192.0.2.1")).toBe(true);
    const padded = new Uint8Array([...reply("0002", "c000020a"), ...new Uint8Array(18)]);
    expect(isAnswer(padded, asker, "192.0.2.1")).toBe(true);
  });

  test("takes no request, no gratuitous reply and no reply to somebody else", () => {
    expect(isAnswer(reply("0001", "c000020a"), asker, "192.0.2.1")).toBe(false);
    expect(isAnswer(reply("0002", "c0000201", "ffffffffffff"), asker, "192.0.2.1")).toBe(false);
    expect(isAnswer(reply("0002", "c0000201"), asker, "192.0.2.1")).toBe(false);
    expect(isAnswer(reply("0002", "c000020b", "020000000011"), asker, "192.0.2.1")).toBe(false);
    expect(isAnswer(reply("0002", "c000020a", "020000000010", "c0000202"), asker, "192.0.2.1")).toBe(false);
  });

  test("takes nothing that is cut off", () => {
    const whole = reply("0002", "c000020a");
    for (let length = 0; length < whole.length; length++) {
      expect(isAnswer(whole.subarray(0, length), asker, "192.0.2.1")).toBe(false);
    }
  });
});

const advertisement = (flags: string, hopLimit = "ff", to = "20010db8000000000000000000000010"): Uint8Array =>
  fromHex(
    `020000000010 0200000000fe 86dd 60000000 0020 3a${hopLimit} 20010db8000000000000000000000001 ${to} 8800 0000 ${flags}000000 20010db8000000000000000000000001 0201 0200000000fe`,
  );

describe("isAnswer() over IPv6", () => {
  test("takes a solicited advertisement to the asker", () => {
    expect(isAnswer(advertisement("e0"), asker6, "2001:db8::1")).toBe(true);
    expect(isAnswer(advertisement("40"), asker6, "2001:db8::1")).toBe(true);
  });

  test("takes no unsolicited one, none from beyond the link and none to everybody", () => {
    expect(isAnswer(advertisement("a0"), asker6, "2001:db8::1")).toBe(false);
    expect(isAnswer(advertisement("e0", "fe"), asker6, "2001:db8::1")).toBe(false);
    const everybody = "ff020000000000000000000000000001";
    expect(isAnswer(advertisement("e0", "ff", everybody), asker6, "2001:db8::1")).toBe(false);
    expect(isAnswer(advertisement("e0"), asker6, "2001:db8::2")).toBe(false);
  });

  test("takes nothing that is cut off", () => {
    const whole = advertisement("e0");
    for (let length = 0; length < 78; length++) {
      expect(isAnswer(whole.subarray(0, length), asker6, "2001:db8::1")).toBe(false);
    }
  });
});

describe("answeredMac()", () => {
  test("is what the answer says, whatever the frame comes from", () => {
    const answer = fromHex(
      "020000000010 0200000000fe 0806 0001080006040002 00005e000133 c0000201 020000000010 c000020a".replaceAll(
        " ",
        "",
      ),
    );
    expect(toHex(answeredMac(answer, "192.0.2.1"))).toBe("00005e000133");
    const advertisement = new Uint8Array(14 + 40 + 32);
    advertisement.set(fromHex("0200000000fe"), 6);
    expect(toHex(answeredMac(advertisement, "2001:db8::1"))).toBe("0200000000fe");
    advertisement.set(fromHex("020100005e000233"), 14 + 40 + 24);
    expect(toHex(answeredMac(advertisement, "2001:db8::1"))).toBe("00005e000233");
  });
});
