import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { echoReply, echoRequest } from "../../../src/kernel/echo-question.ts";

const mark = { identifier: 0x1234, sequence: 0x0007 };

describe("echoRequest()", () => {
  test("carries its checksum over IPv4, and leaves it to the kernel over IPv6", () => {
    expect(toHex(echoRequest("192.0.2.1", mark))).toBe("0800e5c4123400070000000000000000");
    expect(toHex(echoRequest("2001:db8::1", mark))).toBe("80000000123400070000000000000000");
  });
});

describe("echoReply()", () => {
  const ip = "450000240000000040010000c0000201c000020a";

  test("reads the mark behind the IPv4 header, and at once over IPv6", () => {
    expect(echoReply("192.0.2.1", fromHex(`${ip}0000edc412340007`))).toEqual(mark);
    expect(echoReply("2001:db8::1", fromHex("8100000012340007"))).toEqual(mark);
  });

  test("reads it behind IPv4 options too", () => {
    expect(echoReply("192.0.2.1", fromHex(`46${ip.slice(2)}01010101000000001234 0007`))).toEqual(mark);
  });

  test("is none in a request, in an error and in what is cut off", () => {
    expect(echoReply("192.0.2.1", fromHex(`${ip}0800e5c412340007`))).toBeNull();
    expect(echoReply("192.0.2.1", fromHex(`${ip}0301000000000000`))).toBeNull();
    expect(echoReply("192.0.2.1", fromHex(`${ip}00000000`))).toBeNull();
    expect(echoReply("2001:db8::1", new Uint8Array())).toBeNull();
  });
});
