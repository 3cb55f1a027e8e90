/**
 * The HTTP/1.1 message syntax of RFC 9112, strict: what has two readings is refused, because the server behind
 * us may take the other one. This folder reads and writes bytes; it opens no socket, keeps no time and knows
 * nothing of routes.
 */

/** For each octet its lower case if a token may contain it (RFC 9110 §5.6.2), else 0. */
export const tokenOctet: Uint8Array = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  tokenOctet[character.charCodeAt(0)] = character.charCodeAt(0);
  tokenOctet[character.toUpperCase().charCodeAt(0)] = character.charCodeAt(0);
}

/** 1 for each octet that a request target may contain: visible ASCII without `#` (RFC 3986 §2, RFC 9112 §3.2). */
export const targetOctet: Uint8Array = new Uint8Array(256).fill(1, 0x21, 0x7f);
targetOctet[0x23] = 0;

/** For each octet the value of a hexadecimal digit, else 255. */
export const hexValue: Uint8Array = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value++) {
  hexValue[value.toString(16).charCodeAt(0)] = value;
  hexValue[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const DEL = 0x7f;

/** Tells whether `text` is a non-empty token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 255 || tokenOctet[code] === 0) return false;
  }
  return text.length > 0;
}

/** Tells whether `text`, Latin-1, stands in `bytes` at an offset. */
export function isTextAt(bytes: Uint8Array, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text.charCodeAt(at)) return false;
  return true;
}
