import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../../src/base/bytes.ts";
import { errnoName } from "../../../../src/kernel/netlink/errno.ts";
import {
  encodeMessage,
  encodeMessages,
  parseAcknowledgement,
  parseMessages,
  type NetlinkMessage,
} from "../../../../src/kernel/netlink/message.ts";

// The kernel's answers (Linux 6.18) to adding an address, to adding it again, and to a wrong prefix.
const success = "24000000 0200 0001 01000000 5915c9db 00000000 3c000000140005060100000000000000";
const exists =
  "48000000 0200 0003 02000000 5915c9db efffffff 3c000000140005060200000000000000" +
  "23000100697076343a204164647265737320616c72656164792061737369676e65640000";

const only = (hex: string): NetlinkMessage => {
  const [message, ...rest] = parseMessages(fromHex(hex));
  expect(rest).toEqual([]);
  return message!;
};

const messages = fc.record({
  type: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
  port: fc.integer({ min: 0, max: 0xffff_ffff }),
  payload: fc.uint8Array({ maxLength: 64 }),
});

describe("messages", () => {
  test("encodeMessage() writes length, type, flags, sequence and port", () => {
    const bytes = encodeMessage({ type: 22, flags: 0x301, sequence: 3, port: 0, payload: new Uint8Array(8) });
    expect(toHex(bytes)).toBe("180000001600010303000000000000000000000000000000");
  });

  test("parseMessages() reads what encodeMessages() writes, each message from a multiple of four bytes on", () => {
    fc.assert(
      fc.property(fc.array(messages), (several) => {
        expect(parseMessages(encodeMessages(several))).toEqual(several);
      }),
    );
    const odd = { type: 22, flags: 1, sequence: 3, port: 0, payload: Uint8Array.of(0xaa) };
    expect(toHex(encodeMessages([odd, odd]))).toBe("11000000160001000300000000000000aa000000".repeat(2));
  });

  test("parseMessages() reads several messages of one datagram and their padding", () => {
    const datagram = fromHex(
      "11000000 1000 0200 01000000 02000000 aa000000 14000000 0300 0200 01000000 02000000 00000000",
    );
    expect(parseMessages(datagram).map(({ type, payload }) => [type, toHex(payload)])).toEqual([
      [16, "aa"],
      [3, "00000000"],
    ]);
  });

  test("parseMessages() leaves out a message that is cut off", () => {
    expect(parseMessages(fromHex("18000000 1000 0000 01000000 00000000 00000000"))).toEqual([]);
    expect(parseMessages(fromHex("0f000000 1000 0000 01000000 00000000"))).toEqual([]);
  });

  test("parseMessages() returns what encodeMessage() wrote", () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(parseMessages(encodeMessage(message))).toEqual([message]);
      }),
    );
  });

  test("parseMessages() and parseAcknowledgement() take any bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(0, 0x100, 0x200, 0x300),
        (bytes, flags) => {
          parseMessages(bytes);
          for (const type of [2, 3])
            parseAcknowledgement({ type, flags, sequence: 1, port: 0, payload: bytes });
        },
      ),
    );
  });
});

describe("acknowledgements", () => {
  test("an errno of 0 is success", () => {
    expect(parseAcknowledgement(only(success))).toEqual({ errno: 0, text: "" });
  });

  test("the kernel's words follow the header of a capped request", () => {
    expect(parseAcknowledgement(only(exists))).toEqual({ errno: 17, text: "ipv4: Address already assigned" });
  });

  test("the kernel's words follow the whole request when it is not capped", () => {
    const payload = fromHex(
      "eaffffff 14000000 1000 0500 01000000 00000000 deadbeef 09000100 6f6f7073 00000000",
    );
    const message = { type: 2, flags: 0x200, sequence: 1, port: 0, payload };
    expect(parseAcknowledgement(message)).toEqual({ errno: 22, text: "oops" });
  });

  test("the kernel's words follow the errno alone at the end of a dump", () => {
    const payload = fromHex("eaffffff 09000100 6f6f7073 00000000");
    const message = { type: 3, flags: 0x202, sequence: 1, port: 0, payload };
    expect(parseAcknowledgement(message)).toEqual({ errno: 22, text: "oops" });
  });

  test("an empty NLMSG_DONE is success", () => {
    const message = { type: 3, flags: 2, sequence: 1, port: 0, payload: new Uint8Array() };
    expect(parseAcknowledgement(message)).toEqual({ errno: 0, text: "" });
  });
});

describe("errnoName()", () => {
  test("names the errnos of the generic table", () => {
    const known: Record<number, string> = {
      1: "EPERM",
      2: "ENOENT",
      3: "ESRCH",
      17: "EEXIST",
      19: "ENODEV",
      22: "EINVAL",
      42: "ENOMSG",
      61: "ENODATA",
      95: "EOPNOTSUPP",
      97: "EAFNOSUPPORT",
      99: "EADDRNOTAVAIL",
      105: "ENOBUFS",
      110: "ETIMEDOUT",
      133: "EHWPOISON",
    };
    for (const [number, name] of Object.entries(known)) expect(errnoName(Number(number))).toBe(name);
  });

  test("gives the number where there is no name", () => {
    expect([errnoName(41), errnoName(58), errnoName(4095), errnoName(0)]).toEqual([
      "E41",
      "E58",
      "E4095",
      "E0",
    ]);
  });
});
