import { describe, expect, test } from "bun:test";
import { compileLineFormat } from "../../../src/proxy/line-format.ts";
import type { LoggedRequest } from "../../../src/proxy/log-variables.ts";
import { LineBytes } from "../../../src/proxy/line-bytes.ts";
import { MainLine } from "../../../src/proxy/main-line.ts";
import { TextRoom } from "../../../src/proxy/text-room.ts";
import { requestView } from "../../support/request-view.ts";

const outcome = {
  remoteAddress: "192.0.2.1",
  timeLocal: "10/Oct/2000:13:55:36 -0700",
  status: 200,
  bodyBytes: 2326,
};

/** Gives the line, and what the format says that is made from its text. */
function both(name: "main" | "combined", requestLine: string | null, lines: string, more = {}): string[] {
  const { fields } = requestView("GET /a", lines);
  const written: string[] = [];
  const line = new MainLine();
  // What a request left behind is no part of the next one's line.
  line.note(null, requestView("GET /before", "Referer: x\r\nUser-Agent: y\r\nX-Forwarded-For: z\r\n").fields);
  line.note(requestLine, fields);
  line.write(new TextRoom({ add: (text) => written.push(text) }), { ...outcome, ...more }, name === "main");
  const format = compileLineFormat(name, null);
  const asked = { ...outcome, ...more } as LoggedRequest;
  return [...written, format.write(format.note(requestLine ?? fields.startLine, fields), asked)];
}

describe("a line of the access log", () => {
  test("is nginx's `main` or `combined` format", () => {
    const agent = "User-Agent: curl/7.88.1\r\n";
    const combined =
      '192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326 "-" "curl/7.88.1"';
    expect(both("main", null, agent)[0]).toBe(`${combined} "-"\n`);
    expect(both("combined", null, agent)[0]).toBe(`${combined}\n`);
  });

  test.each([
    ["nothing that is sent", null, ""],
    ["all", null, "Referer: http://b/\r\nUser-Agent: a b\r\nX-Forwarded-For: 203.0.113.9\r\n"],
    ["a user", null, `Authorization: Basic ${btoa('e"ve:secret')}\r\n`],
    ["another scheme", null, "Authorization: Bearer abc\r\n"],
    ["fields without a value", null, "Referer:\r\nUser-Agent: \r\n"],
    [
      "fields that come twice",
      null,
      "User-Agent: a\r\nX-Forwarded-For: b\r\nReferer: d\r\nUser-Agent: c\r\n",
    ],
    ["names that are alike", null, "User_Agent: a\r\nReferrer: b\r\n"],
    ["what could forge a line", null, 'User-Agent: x" 200\t1.2.3.4\\\u00ff\r\n'],
    ["a request line of its own", 'POST /"b HTTP/2.0', "User-Agent: a\r\n"],
    ["no request line", "", ""],
  ])("says of %s what the format says", (_, requestLine, lines) => {
    for (const name of ["main", "combined"] as const) {
      const [line, wanted = ""] = both(name, requestLine, lines, {
        remoteAddress: "2001:db8::1",
        bodyBytes: 0,
      });
      expect(line).toBe(wanted);
    }
  });

  test("is whole however long the head is", () => {
    const [line, wanted = ""] = both("main", null, `User-Agent: ${'"'.repeat(20_000)}\r\n`);
    expect(line).toBe(wanted);
    expect(wanted.length).toBeGreaterThan(80_000);
  });

  test("shows a dash for what could not be read", () => {
    const written: string[] = [];
    const line = new MainLine();
    line.note("", null);
    line.write(new TextRoom({ add: (text) => written.push(text) }), { ...outcome, status: 400 }, true);
    expect(written[0]).toEndWith('] "-" 400 2326 "-" "-" "-"\n');
  });
});

test("every whole number can be written", () => {
  const bytes = Buffer.alloc(20);
  const writer = new LineBytes();
  for (const value of [0, 9, 10, 99, 100, 1_073_741_823, 1_073_741_824, 2 ** 53 - 1]) {
    writer.begin(bytes, 0);
    writer.number(value);
    expect(bytes.toString("latin1", 0, writer.at)).toBe(String(value));
  }
});
