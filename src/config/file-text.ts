import type { Place } from "./diagnostic.ts";

const lineFeed = 0x0a;

/** Reads a file's bytes as UTF-8, as TOML wants it; gives the place of the first byte that is none where it is not. */
export function decodeFile(bytes: Uint8Array): string | Place {
  const strict = new TextDecoder("utf-8", { fatal: true });
  try {
    return strict.decode(bytes);
  } catch {
    return firstFault(bytes);
  }
}

/** A line feed is never part of a longer sequence, so each line can be tried by itself. */
function firstFault(bytes: Uint8Array): Place {
  const strict = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found === -1 ? bytes.length : found;
    const row = bytes.subarray(start, end);
    start = end + 1;
    try {
      strict.decode(row);
    } catch {
      return { line, column: firstFaultIn(row) };
    }
  }
  return { line, column: 1 };
}

/** Decoding puts U+FFFD for what is wrong; one that the file itself contains is the same text when it is encoded again. */
function firstFaultIn(row: Uint8Array): number {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(row);
  const again = new TextEncoder().encode(text);
  const same = again.findIndex((byte, index) => byte !== row[index]);
  const before = again.subarray(0, same === -1 ? again.length : same);
  const characters = Array.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(before));
  // The re-encoded U+FFFD may share its first byte with what it stands for.
  if (characters.at(-1) === "\uFFFD" && before.length > 0) characters.pop();
  return characters.length + 1;
}
