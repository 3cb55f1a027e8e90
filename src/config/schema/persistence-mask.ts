import { z } from "zod";
import { addressBytes, canonicalAddress, familyOf } from "../../base/address.ts";
import { complaint, integer, orNull, table } from "./fields.ts";

/** How many bits of their addresses clients that stay together have in common; null is not written for that family. */
export interface PersistenceMask {
  readonly ipv4: number | null;
  readonly ipv6: number | null;
}

const example = "persistence_mask = 24, or persistence_mask = { ipv4 = 24, ipv6 = 64 }";

const byFamily: z.ZodType<PersistenceMask> = table(
  { ipv4: orNull(integer(1, 32, "ipv4 = 24")), ipv6: orNull(integer(1, 128, "ipv6 = 64")) },
  example,
);

/** A length, an IPv4 mask such as `"255.255.255.0"`, or a length for each family. */
export const persistenceMaskSchema: z.ZodType<PersistenceMask> = z
  .unknown()
  .transform((value, context): PersistenceMask => {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 128) {
      return value <= 32 ? { ipv4: value, ipv6: value } : { ipv4: null, ipv6: value };
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const read = byFamily.safeParse(value);
      if (read.success) return read.data;
      for (const { path, code, message } of read.error.issues) {
        const isUnknown = code === "unrecognized_keys";
        const text = isUnknown ? complaint("has an unknown key", `write ${example}`) : message;
        context.issues.push({ code: "custom", message: text, path, input: value });
      }
      return z.NEVER;
    }
    const length = typeof value === "string" ? maskLength(value) : null;
    if (length !== null) return { ipv4: length, ipv6: null };
    const what = typeof value === "string" ? `${JSON.stringify(value)} is no mask` : "must be a mask";
    context.addIssue(complaint(what, `write ${example}`));
    return z.NEVER;
  });

/** Reads a mask in four decimal parts, ones first; null if it is none. */
function maskLength(text: string): number | null {
  const address = canonicalAddress(text);
  if (address === null || familyOf(address) !== 4) return null;
  const bits = [...addressBytes(address)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const length = bits.indexOf("0") < 0 ? 32 : bits.indexOf("0");
  return length > 0 && !bits.slice(length).includes("1") ? length : null;
}
