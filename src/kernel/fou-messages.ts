import type { Family } from "../base/address.ts";
import { be16, readBe16, readU8, u8, type Attributes } from "./netlink/attribute.ts";
import { AF_INET, AF_INET6 } from "./socket-constants.ts";

/** PURE: messages of the generic netlink family `fou` (linux/fou.h): UDP ports on which the kernel unpacks. */

export const fouCommand = { add: 1, remove: 2, get: 3 } as const;

const fouAttribute = { port: 1, family: 2, type: 4 } as const;
/** FOU_ENCAP_GUE: a header of its own says what is inside (draft-ietf-intarea-gue). */
const encapsulationGue = 2;

/** A UDP port on which the kernel takes GUE. */
export interface GuePort {
  readonly family: Family;
  readonly port: number;
}

/** Writes the attributes that open a port. */
export function gueAddition({ family, port }: GuePort): readonly Uint8Array[] {
  return [...gueRemoval({ family, port }), u8(fouAttribute.type, encapsulationGue)];
}

/** Writes the attributes that name a port. */
export function gueRemoval({ family, port }: GuePort): readonly Uint8Array[] {
  return [be16(fouAttribute.port, port), u8(fouAttribute.family, family === 4 ? AF_INET : AF_INET6)];
}

/** Reads one port of a list; null if it is not GUE. */
export function parseGuePort(attributes: Attributes): GuePort | null {
  const port = readBe16(attributes, fouAttribute.port);
  const family = readU8(attributes, fouAttribute.family);
  if (port === null || readU8(attributes, fouAttribute.type) !== encapsulationGue) return null;
  if (family !== AF_INET && family !== AF_INET6) return null;
  return { family: family === AF_INET ? 4 : 6, port };
}
