import type { FieldTable } from "./field-table.ts";

// RFC 9110 §5.6.3: blanks are SP and HTAB. `trim` takes 0xA0 for one too, and `chunked` behind that is no `chunked`.
const blanks = /^[ \t]+|[ \t]+$/g;

/** Splits a list field (RFC 9110 §5.6.1) into its elements in lower case; empty elements are ignored. */
export function listElements(value: string): readonly string[] {
  const elements: string[] = [];
  for (const part of value.toLowerCase().split(",")) {
    const element = part.replaceAll(blanks, "");
    if (element !== "") elements.push(element);
  }
  return elements;
}

/** What a Connection field says. */
export interface ConnectionOptions {
  readonly closes: boolean;
  readonly keepsAlive: boolean;
  readonly upgrades: boolean;
  /** Names of the fields it lists, in lower case (RFC 9110 §7.6.1). */
  readonly listed: readonly string[];
}

const none: readonly string[] = [];
const noOptions: ConnectionOptions = { closes: false, keepsAlive: false, upgrades: false, listed: none };
const keepAliveOption: ConnectionOptions = { ...noOptions, keepsAlive: true };
const closeOption: ConnectionOptions = { ...noOptions, closes: true };

/** Reads a Connection field; the two usual values cost no allocation. */
export function connectionOptions(fields: FieldTable, index: number): ConnectionOptions {
  if (fields.hasValue(index, "keep-alive") || fields.hasValue(index, "Keep-Alive")) return keepAliveOption;
  if (fields.hasValue(index, "close")) return closeOption;
  const elements = listElements(fields.value(index));
  return {
    closes: elements.includes("close"),
    keepsAlive: elements.includes("keep-alive"),
    upgrades: elements.includes("upgrade"),
    listed: elements.filter((name) => name !== "close" && name !== "keep-alive" && name !== "upgrade"),
  };
}

/** What a message without a Connection field says. */
export const withoutConnection: ConnectionOptions = noOptions;

/** Joins what several Connection fields say. */
export function joinOptions(a: ConnectionOptions, b: ConnectionOptions): ConnectionOptions {
  return {
    closes: a.closes || b.closes,
    keepsAlive: a.keepsAlive || b.keepsAlive,
    upgrades: a.upgrades || b.upgrades,
    listed: [...a.listed, ...b.listed],
  };
}

/** Reads a Content-Length (RFC 9110 §8.6: digits and nothing else); null if it is none or too large to count exactly. */
export function contentLength(value: string): number | null {
  return /^[0-9]{1,15}$/.test(value) ? Number(value) : null;
}

/** Reads a Content-Length where it stands: what is made a text to be read costs more than the reading. */
export function contentLengthAt(bytes: Uint8Array, start: number, end: number): number | null {
  if (start === end || end - start > 15) return null;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return null;
    length = length * 10 + digit;
  }
  return length;
}
