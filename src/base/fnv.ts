const start = 0x811c9dc5;
const prime = 0x01000193;

/** Gives the 32-bit FNV-1a hash of a text in UTF-8, from 0 to 2³² - 1. */
export function fnv1a(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, prime), start) >>> 0;
}
