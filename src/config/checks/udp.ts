import { z } from "zod";
import type { UdpCheck } from "../check-plan.ts";
import { complaint, orElse, orNull, wants } from "../schema/fields.ts";
import type { Keys } from "./keys.ts";

/** `check = { type = "udp", … }`. */

/** The keys as the file has them. */
export interface UdpEntry {
  readonly payload: string;
  readonly expect: string | null;
}

const mostBytes = 1400;
const payloadExample = 'payload = "ping", payload = "hex:00 ff" or payload = "base64:AP8="';
const expectExample = 'expect = "pong", or expect = "hex:00 xx ff" with x for any digit';

/** Bytes as a text, in hexadecimal digits or in base64, read as hexadecimal digits. */
const payload = bytes(payloadExample, /^[0-9a-f]*$/);

/** The same, where an `x` stands for any digit. */
const expected = bytes(expectExample, /^[0-9a-fx]*$/);

function bytes(example: string, digits: RegExp): z.ZodType<string> {
  return z.string({ error: wants("a text in quotes", example) }).transform((value, context) => {
    const hex = hexOf(value);
    if (hex !== null && digits.test(hex) && hex.length % 2 === 0 && hex.length <= 2 * mostBytes) return hex;
    const what =
      hex !== null && hex.length > 2 * mostBytes
        ? `is longer than ${mostBytes} bytes, which one packet carries`
        : `${JSON.stringify(value)} is not written as its prefix says`;
    context.addIssue(complaint(what, `write ${example}`));
    return z.NEVER;
  });
}

function hexOf(value: string): string | null {
  if (value.startsWith("hex:")) return value.slice(4).replaceAll(/\s+/g, "").toLowerCase();
  if (!value.startsWith("base64:")) return new TextEncoder().encode(value).toHex();
  try {
    return Uint8Array.fromBase64(value.slice(7)).toHex();
  } catch {
    return null;
  }
}

/** The keys of a UDP check. */
export const udpKeys: Keys<UdpEntry> = { payload: orElse(payload, ""), expect: orNull(expected) };

/** Reads a UDP check. */
export function readUdp({ payload: hex, expect }: UdpEntry): UdpCheck {
  return { kind: "udp", payload: hex, expect };
}

/** Writes what tells a UDP check from others. */
export function udpWords({ payload: hex, expect }: UdpCheck): readonly string[] {
  return [...(hex === "" ? [] : [`send ${hex}`]), ...(expect === null ? [] : [`expect ${expect}`])];
}
