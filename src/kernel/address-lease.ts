import { familyOf } from "../base/address.ts";
import { attribute, parseAttributes } from "./netlink/attribute.ts";
import { concatBytes } from "../base/bytes.ts";
import { addressPayload, parseAddress, type AddressRequest } from "./route-messages.ts";

/**
 * PURE: the part of rtnetlink(7) address messages that says how long an address is valid. The kernel removes an address
 * by itself once its lease has run out, whatever has become of the process that added it.
 */

/** An address as found on an interface, with what is left of its lease. */
export interface LeasedAddress {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly protocol: number;
  /** Whole seconds, rounded up; null is for ever. */
  readonly remainingS: number | null;
}

// IFA_CACHEINFO: preferred and valid lifetime in seconds, then two times of the kernel's own.
const cacheInfo = 6;
const cacheInfoLength = 16;
const forever = 0xffff_ffff;

/** Writes an RTM_NEWADDR payload for an address that is valid for `lifetimeS` seconds from now. */
export function leasePayload(request: AddressRequest, isTagged: boolean, lifetimeS: number): Uint8Array {
  const { isDeprecated = false, ...rest } = request;
  const value = new Uint8Array(cacheInfoLength);
  const view = new DataView(value.buffer);
  view.setUint32(0, isDeprecated && familyOf(request.address) === 6 ? 0 : lifetimeS, true);
  view.setUint32(4, lifetimeS, true);
  return concatBytes(addressPayload(rest, isTagged), attribute(cacheInfo, value));
}

/** Reads an RTM_NEWADDR payload; null if it is no IPv4 or IPv6 address. */
export function parseLease(payload: Uint8Array): LeasedAddress | null {
  const found = parseAddress(payload);
  if (found === null) return null;
  const { linkIndex, address, prefixLength, protocol } = found;
  const value = parseAttributes(payload.subarray(8)).get(cacheInfo);
  const hasValue = value !== undefined && value.length >= cacheInfoLength;
  const valid = hasValue ? new DataView(value.buffer, value.byteOffset).getUint32(4, true) : forever;
  return { linkIndex, address, prefixLength, protocol, remainingS: valid === forever ? null : valid };
}
