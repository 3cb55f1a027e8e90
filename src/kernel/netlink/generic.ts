import { concatBytes } from "../../base/bytes.ts";
import { parseAttributes, readU16, text, type Attributes } from "./attribute.ts";
import type { NetlinkConnection } from "./connection.ts";
import { NetlinkError } from "./netlink-error.ts";

/** PURE: generic netlink, families of messages that the kernel numbers as it goes. */

const headerLength = 4;
const controlFamily = 0x10;
const getFamily = 3;
const familyId = 1;
const familyName = 2;

/** Writes a generic message's payload: { command u8, version u8, reserved u16 } and attributes. */
export function genericPayload(command: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return concatBytes(Uint8Array.of(command, 1, 0, 0), ...attributes);
}

/** Reads the attributes after the generic header. */
export function genericAttributes(payload: Uint8Array): Attributes {
  return parseAttributes(payload.subarray(Math.min(headerLength, payload.length)));
}

/** Asks for a family's message type; throws `ENOENT` if the kernel has no such family. */
export function resolveFamily(connection: NetlinkConnection, name: string): number {
  const operation = `CTRL_CMD_GETFAMILY ${name}`;
  const replies = connection.request({
    operation,
    type: controlFamily,
    flags: 0,
    payload: genericPayload(getFamily, text(familyName, name)),
  });
  for (const reply of replies) {
    const id = readU16(genericAttributes(reply.payload), familyId);
    if (id !== null) return id;
  }
  throw new NetlinkError(operation, "EPROTO", "the answer names no family");
}
