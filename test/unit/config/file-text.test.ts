import { expect, test } from "bun:test";
import { decodeFile } from "../../../src/config/file-text.ts";
import { formatDiagnostic } from "../../../src/config/diagnostic.ts";
import { readConfig } from "../../../src/config/read.ts";

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");

test("decodeFile() reads UTF-8 and leaves the byte order mark out", () => {
  expect(decodeFile(new TextEncoder().encode("# Größe ▸ \u{1F600}\n"))).toBe("# Größe ▸ \u{1F600}\n");
  expect(decodeFile(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe("a");
  expect(decodeFile(new Uint8Array())).toBe("");
});

test("decodeFile() gives the place of the first byte that is no UTF-8", () => {
  expect(decodeFile(latin1('a = 1\r\nname = "caf\xe9"\n'))).toEqual({ line: 2, column: 12 });
  expect(decodeFile(latin1("\xe9"))).toEqual({ line: 1, column: 1 });
  expect(decodeFile(Buffer.from("\ufeffa", "utf16le"))).toEqual({ line: 1, column: 1 });
});

test("decodeFile() counts in characters and takes a replacement character of the file for what it is", () => {
  const bytes = Buffer.concat([Buffer.from("ö\uFFFD\u{1F600}"), latin1("\xe9"), Buffer.from("x")]);
  expect(decodeFile(bytes)).toEqual({ line: 1, column: 4 });
  expect(decodeFile(Buffer.concat([Buffer.from("aé"), new Uint8Array([0xef, 0xbf])]))).toEqual({
    line: 1,
    column: 3,
  });
});

test("readConfig() refuses a file in another encoding, be it in a comment only", () => {
  const { config, diagnostics } = readConfig(latin1("[cluster]\n# caf\xe9\n"), "edge-ha.toml");
  expect(config).toBeNull();
  expect(diagnostics.map((one) => formatDiagnostic("edge-ha.toml", one))).toEqual([
    "edge-ha.toml:2:6 file: edge-ha.toml is not written in UTF-8; save it as UTF-8, or write this letter otherwise",
  ]);
});
