/** Writes bytes as lower-case hexadecimal digits without separators. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Reads hexadecimal digits, ignoring white space; throws `SyntaxError` on anything else. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replace(/\s+/g, ""));
}

/** Joins byte strings into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Tells whether two byte strings are the same; takes no care to hide where they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
