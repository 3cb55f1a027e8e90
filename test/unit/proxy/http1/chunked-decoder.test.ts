import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ChunkedDecoder } from "../../../../src/proxy/http1/chunked-decoder.ts";

/** Decodes a body cut at these places: its payload, or "fault", or "incomplete"; and how many bytes were not its own. */
function decode(
  text: string,
  cuts: readonly number[] = [],
  isServers = false,
): { readonly body: string; readonly rest: number } {
  const decoder = new ChunkedDecoder(isServers);
  const whole = Buffer.from(text, "latin1");
  let body = "";
  let from = 0;
  for (const to of [...cuts, whole.length]) {
    const piece = Buffer.from(whole.subarray(from, to));
    const next = decoder.decode(piece, 0, piece.length);
    if (decoder.isFaulty) return { body: "fault", rest: 0 };
    body += piece.toString("latin1", decoder.payloadStart, decoder.payloadEnd);
    if (decoder.isDone) return { body, rest: whole.length - from - next };
    from = to;
  }
  return { body: "incomplete", rest: 0 };
}

describe("the chunked coding", () => {
  test("gives the payload of all chunks and leaves what comes behind", () => {
    expect(decode("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET /")).toEqual({
      body: "abc0123456789",
      rest: 5,
    });
  });

  test("takes sizes in any letters and with leading zeros", () => {
    expect(decode("00a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n").body).toBe("01234567890123456789a");
  });

  test("keeps trailer fields apart, for one body only (RFC 9112 §7.1.2)", () => {
    const decoder = new ChunkedDecoder();
    const bytes = Buffer.from("0\r\nX-Sum: 1\r\nY:\r\n\r\n");
    for (let at = 0; at < bytes.length; at++) decoder.decode(bytes, at, at + 1);
    expect(decoder.trailers).toBe("X-Sum: 1\r\nY:\r\n");
    decoder.reset();
    expect(decoder.trailers).toBe("");
  });

  test("drops extensions, and trailer fields are no part of the body (RFC 9112 §7.1.1, §7.1.2)", () => {
    expect(decode('3;a=b;c="d"\r\nabc\r\n0 ; x\r\nX-Sum: 1\r\nY:\r\n\r\n').body).toBe("abc");
  });

  test("of servers may have blanks behind a size, but no end of them", () => {
    const text = "5 \t\r\nabcde\r\n1  ; x\r\nf\r\n0    \r\n\r\n";
    for (let cut = 0; cut <= text.length; cut++) expect(decode(text, [cut], true).body).toBe("abcdef");
    for (const faulty of ["5 1\r\nabcde\r\n0\r\n\r\n", "5 \nabcde\r\n", ` 5\r\n`, `5${" ".repeat(5000)}\r\n`])
      expect(decode(faulty, [], true).body).toBe("fault");
  });

  const faults: readonly (readonly [what: string, text: string])[] = [
    ["no size", "\r\nabc\r\n0\r\n\r\n"],
    ["a size that is no number", "x\r\n"],
    ["a signed size", "+3\r\nabc\r\n0\r\n\r\n"],
    ["a size with 0x", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["a blank before the size", " 3\r\nabc\r\n0\r\n\r\n"],
    ["a blank behind the size and no extension", "3 \r\nabc\r\n0\r\n\r\n"],
    ["a size of too many digits", "0000000000003\r\nabc\r\n0\r\n\r\n"],
    ["a bare line feed behind the size", "3\nabc\r\n0\r\n\r\n"],
    ["a bare carriage return behind the size", "3\rabc\r\n0\r\n\r\n"],
    ["a line feed in an extension", "3;a\nabc\r\n0\r\n\r\n"],
    ["a control in an extension", "3;\0\r\nabc\r\n0\r\n\r\n"],
    ["extensions without end", `3;${"a".repeat(5000)}\r\nabc\r\n0\r\n\r\n`],
    ["data longer than its size", "3\r\nabcd\r\n0\r\n\r\n"],
    ["data that ends in a bare line feed", "3\r\nabc\n0\r\n\r\n"],
    ["data that ends in another character", "3\r\nabcXX0\r\n\r\n"],
    ["a last chunk that ends in a bare line feed", "0\n\n"],
    ["an end that is a bare line feed", "0\r\n\n"],
    ["a trailer field with a blank before its colon", "0\r\nX : 1\r\n\r\n"],
    ["a folded trailer field", "0\r\nX: 1\r\n 2\r\n\r\n"],
    ["a trailer line without a colon", "0\r\nGET /\r\n\r\n"],
    ["a control in a trailer field", "0\r\nX: \0\r\n\r\n"],
    ["a trailer section without end", `0\r\n${"X: 1\r\n".repeat(4000)}\r\n`],
  ];
  for (const [what, text] of faults) {
    test(`is at fault with ${what}`, () => expect(decode(text).body).toBe("fault"));
  }

  test("decodes the same when it is cut at every byte", () => {
    const text = "3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\nrest";
    const whole = decode(text);
    for (let cut = 0; cut <= text.length; cut++) expect(decode(text, [cut])).toEqual(whole);
    expect(
      decode(
        text,
        Array.from(text, (_, at) => at),
      ).body,
    ).toBe(whole.body);
  });

  test("gives back whatever was cut into chunks, however they are cut again", () => {
    const chunks = fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(chunks, fc.array(fc.nat(400), { maxLength: 12 }), (parts, places) => {
        const text = `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
        const cuts = places.map((place) => Math.min(place, text.length)).sort((a, b) => a - b);
        expect(decode(text, cuts).body).toBe(parts.join(""));
      }),
      { numRuns: 1000 },
    );
  });

  test("ends in a payload, a fault or a want of more whatever bytes come, and the same however they are cut", () => {
    const alphabet = fc.constantFrom("0", "3", "a", "\r\n", "\r", "\n", ";", " ", "X: 1", "abc", "\0");
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 14 }), fc.nat(30), (parts, place) => {
        const text = parts.join("");
        expect(decode(text, [Math.min(place, text.length)]).body).toBe(decode(text).body);
      }),
      { numRuns: 3000 },
    );
  });
});
