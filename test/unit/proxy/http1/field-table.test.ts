import { describe, expect, test } from "bun:test";
import { FieldTable } from "../../../../src/proxy/http1/field-table.ts";
import { HeadScan } from "../../../../src/proxy/http1/head-end.ts";

const text = "GET / HTTP/1.1\r\nHost: a\r\nX-Name:  1 \r\n\r\n";

/** Reads `text` where other bytes stand before it. */
function read(bytes: Buffer): FieldTable {
  const scan = new HeadScan({ startLineBytes: 8192, headBytes: 16_384, fields: 128 });
  scan.begin(3);
  scan.advance(bytes, bytes.length);
  const fields = new FieldTable(128);
  expect(fields.read(bytes, scan, false)).toBe(null);
  return fields;
}

function lines(fields: FieldTable): readonly string[] {
  return Array.from({ length: fields.count }, (_, at) => `${fields.name(at)}=${fields.value(at)}`);
}

describe("the fields of a head", () => {
  test("are read from the bytes it came in, wherever it stands in them", () => {
    const fields = read(Buffer.from(`\r\n ${text}body`, "latin1"));
    expect(fields.text).toBe(text);
    expect(fields.startLine).toBe("GET / HTTP/1.1");
    expect(lines(fields)).toEqual(["Host=a", "X-Name=1"]);
    expect(fields.hasValue(1, "1")).toBe(true);
    expect(fields.hasValue(1, "2")).toBe(false);
    expect(fields.isNamed(1, "x-name")).toBe(true);
  });

  test("stay once they are detached, whatever becomes of these bytes", () => {
    const bytes = Buffer.from(`\r\n ${text}`, "latin1");
    const fields = read(bytes);
    fields.detach();
    bytes.fill(0);
    expect(fields.text).toBe(text);
    expect(lines(fields)).toEqual(["Host=a", "X-Name=1"]);
    expect(fields.hasValue(0, "a")).toBe(true);
    expect(fields.isNamed(1, "x-name")).toBe(true);
  });

  test("are the same of a head that came as text", () => {
    const fields = new FieldTable(128);
    expect(fields.readText(text, [16, 25, text.length - 2])).toBe(null);
    expect(fields.text).toBe(text);
    expect(lines(fields)).toEqual(["Host=a", "X-Name=1"]);
    expect(fields.hasValue(0, "a")).toBe(true);
  });
});
