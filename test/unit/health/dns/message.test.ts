import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fromHex, toHex } from "../../../../src/base/bytes.ts";
import { readReply, writeQuestion } from "../../../../src/health/dns/message.ts";

const question = writeQuestion({ name: "a.example.", record: "A", recursion: true }, 0x1234);

describe("a question", () => {
  test("has its name in labels, and asks for recursion", () => {
    expect(toHex(question)).toBe("1234010000010000000000000161076578616d706c650000010001");
    const root = writeQuestion({ name: ".", record: "SOA", recursion: false }, 1);
    expect(toHex(root)).toBe("0001000000010000000000000000060001");
  });
});

/** A reply to `question` with these answers, whose names point at the question's. */
function reply(flags: string, answers: readonly string[]): Uint8Array {
  const count = answers.length.toString(16).padStart(4, "0");
  const head = `1234${flags}0001${count}00000000`;
  return fromHex(head + toHex(question).slice(24) + answers.join(""));
}

const answer = (type: string, data: string): string =>
  `c00c${type}00010000003c${(data.length / 2).toString(16).padStart(4, "0")}${data}`;

describe("a reply", () => {
  test("gives its records as zone files have them", () => {
    const records = [
      answer("0001", "c0000208"),
      answer("001c", "20010db8000000000000000000000001"),
      answer("0005", "0162c00e"),
      answer("000f", "000a026d78c00e"),
      answer("0010", "0568656c6c6f0121"),
      answer("0021", "0001000200500162c00e"),
      answer("0063", "beef"),
    ];
    expect(readReply(reply("8180", records), question)).toEqual({
      rcode: "NOERROR",
      isTruncated: false,
      negativeTtlS: null,
      answers: [
        { type: "A", data: "192.0.2.8" },
        { type: "AAAA", data: "2001:db8::1" },
        { type: "CNAME", data: "b.example" },
        { type: "MX", data: "10 mx.example" },
        { type: "TXT", data: "hello!" },
        { type: "SRV", data: "1 2 80 b.example" },
        { type: "TYPE99", data: "beef" },
      ].map(({ type, data }) => ({ name: "a.example", ttlS: 60, type, data })),
    });
  });

  test("names its response code", () => {
    expect(readReply(reply("8183", []), question)?.rcode).toBe("NXDOMAIN");
    expect(readReply(reply("818b", []), question)?.rcode).toBe("RCODE 11");
    expect(readReply(reply("8380", []), question)?.isTruncated).toBe(true);
  });

  test("to another question, or a question, is none", () => {
    expect(readReply(fromHex(`9999${toHex(reply("8180", [])).slice(4)}`), question)).toBeNull();
    expect(readReply(question, question)).toBeNull();
    const other = writeQuestion({ name: "b.example.", record: "A", recursion: true }, 0x1234);
    const otherType = writeQuestion({ name: "a.example.", record: "AAAA", recursion: true }, 0x1234);
    expect(readReply(reply("8180", []), other)).toBeNull();
    expect(readReply(reply("8180", []), otherType)).toBeNull();
    expect(readReply(fromHex("123481800000000000000000"), question)).toBeNull();
    expect(readReply(fromHex("123481810000000000000000"), question)?.rcode).toBe("FORMERR");
  });

  test("says the name as it likes, in large letters or small ones", () => {
    const shouting = toHex(reply("8180", [])).replace("076578616d706c65", "074558414d504c45");
    expect(readReply(fromHex(shouting), question)?.rcode).toBe("NOERROR");
  });

  test("says how long there is nothing: the least of its SOA record's life and minimum", () => {
    const start = `c00c0006000100000e1000160000${"00000001".repeat(4)}0000003c`;
    const negative = toHex(reply("8183", [start])).replace("8183000100010000", "8183000100000001");
    expect(readReply(fromHex(negative), question)?.negativeTtlS).toBe(60);
  });

  test("that was cut gives what of it is there", () => {
    const whole = reply("8380", [answer("0001", "c0000208"), answer("0001", "c0000209")]);
    expect(readReply(whole.subarray(0, whole.length - 3), question)?.answers.length).toBe(1);
  });

  test("with an address of another length is none", () => {
    expect(() => readReply(reply("8180", [answer("0001", "c00002")]), question)).toThrow("no DNS message");
  });

  test("that is cut off, or whose names go round in a circle, is refused", () => {
    const whole = reply("8180", [answer("0005", "0162c00e")]);
    for (let length = 12; length < whole.length; length++) {
      expect(() => readReply(whole.subarray(0, length), question)).toThrow("no DNS message");
    }
    expect(() => readReply(reply("8180", [answer("0005", "c027")]), question)).toThrow("no DNS message");
  });

  test("never breaks the reader, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const framed = new Uint8Array([0x12, 0x34, 0x81, 0x80, ...bytes]);
        try {
          readReply(framed, question);
        } catch (error) {
          expect((error as Error).message).toBe("reply is no DNS message");
        }
      }),
      { numRuns: 1000 },
    );
  });
});
