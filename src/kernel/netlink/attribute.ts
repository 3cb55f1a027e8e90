import { concatBytes } from "../../base/bytes.ts";

/**
 * PURE: netlink attributes, a list of { length u16, type u16, value } padded to four bytes, in host order
 * (little-endian here) unless a value says otherwise.
 */

/** Attributes of one level by type; where a type comes twice the last one counts, as in the kernel. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

const headerLength = 4;
// NLA_F_NESTED and NLA_F_NET_BYTEORDER share the type's field.
const typeMask = 0x3fff;
const nestedFlag = 0x8000;

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Writes one attribute, padding included. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(padded(headerLength + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, headerLength + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, headerLength);
  return bytes;
}

/** Writes an attribute that holds attributes. */
export function nested(type: number, ...children: readonly Uint8Array[]): Uint8Array {
  return attribute(type | nestedFlag, concatBytes(...children));
}

/** Writes an unsigned 8-bit attribute. */
export function u8(type: number, value: number): Uint8Array {
  return attribute(type, Uint8Array.of(value));
}

/** Writes an unsigned 16-bit attribute in host order. */
export function u16(type: number, value: number): Uint8Array {
  return attribute(type, Uint8Array.of(value & 0xff, (value >> 8) & 0xff));
}

/** Writes an unsigned 16-bit attribute in network order. */
export function be16(type: number, value: number): Uint8Array {
  return attribute(type, Uint8Array.of((value >> 8) & 0xff, value & 0xff));
}

/** Writes an unsigned 32-bit attribute in host order. */
export function u32(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return attribute(type, bytes);
}

/** Writes an unsigned 32-bit attribute in network order; a negative number in two's complement. */
export function be32(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return attribute(type, bytes);
}

/** Writes a string attribute with its NUL. */
export function text(type: number, value: string): Uint8Array {
  return attribute(type, new TextEncoder().encode(`${value}\0`));
}

/** Reads all whole attributes by their type; stops at the first whose length does not fit. */
export function parseAttributes(bytes: Uint8Array): Attributes {
  return new Map(listAttributes(bytes));
}

/** Reads all whole attributes in their order, for lists in which one type comes many times. */
export function listAttributes(bytes: Uint8Array): readonly (readonly [type: number, value: Uint8Array])[] {
  const found: (readonly [number, Uint8Array])[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset + headerLength <= bytes.length) {
    const length = view.getUint16(offset, true);
    if (length < headerLength || offset + length > bytes.length) break;
    const type = view.getUint16(offset + 2, true) & typeMask;
    found.push([type, bytes.subarray(offset + headerLength, offset + length)]);
    offset += padded(length);
  }
  return found;
}

/** Reads the attributes inside one, or none if it is missing. */
export function readNested(from: Attributes, type: number): Attributes {
  const value = from.get(type);
  return value === undefined ? new Map() : parseAttributes(value);
}

function viewOf(from: Attributes, type: number, size: number): DataView | null {
  const value = from.get(type);
  if (value === undefined || value.length < size) return null;
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}

/** Reads an unsigned 8-bit value; null if it is missing or too short. */
export function readU8(from: Attributes, type: number): number | null {
  return viewOf(from, type, 1)?.getUint8(0) ?? null;
}

/** Reads an unsigned 16-bit value in host order; null if it is missing or too short. */
export function readU16(from: Attributes, type: number): number | null {
  return viewOf(from, type, 2)?.getUint16(0, true) ?? null;
}

/** Reads an unsigned 16-bit value in network order; null if it is missing or too short. */
export function readBe16(from: Attributes, type: number): number | null {
  return viewOf(from, type, 2)?.getUint16(0, false) ?? null;
}

/** Reads an unsigned 32-bit value in host order; null if it is missing or too short. */
export function readU32(from: Attributes, type: number): number | null {
  return viewOf(from, type, 4)?.getUint32(0, true) ?? null;
}

/** Reads an unsigned 32-bit value in network order; null if it is missing or too short. */
export function readBe32(from: Attributes, type: number): number | null {
  return viewOf(from, type, 4)?.getUint32(0, false) ?? null;
}

/** Reads a string up to its NUL; null if it is missing. */
export function readText(from: Attributes, type: number): string | null {
  const value = from.get(type);
  if (value === undefined) return null;
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}
