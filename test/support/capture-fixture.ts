import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex } from "../../src/base/bytes.ts";

/** Reads a capture file that is kept as hexadecimal digits, in test/unit/watch/captures. */
export function captureFixture(name: string): Uint8Array {
  const text = readFileSync(join(import.meta.dir, "../unit/watch/captures", `${name}.hex`), "utf8");
  return fromHex(text.replaceAll(/^#.*$/gm, ""));
}
