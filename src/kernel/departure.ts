import { familyOf, type Endpoint } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { intOption } from "./socket-address.ts";
import { AF_INET, AF_INET6, SOCK_NONBLOCK, SOL_SOCKET, SO_MARK } from "./socket-constants.ts";

/** How packets to a server leave this host. */
export interface Departure {
  /** Address they come from; null leaves it to the routes. */
  readonly source: string | null;
  /** Mark for the routing policy and the packet filter, or null. */
  readonly mark: number | null;
  /** Whether they come from a port that no other socket of the host has, not even to another place. */
  readonly hasOwnPort: boolean;
}

const addresses = new WeakMap<Endpoint, Uint8Array>();

/** Gives a target as the kernel wants it; one that is asked for every second is written once. */
export function socketAddressOf(target: Endpoint): Uint8Array {
  const known = addresses.get(target);
  if (known !== undefined) return known;
  const bytes = internetAddress(target);
  addresses.set(target, bytes);
  return bytes;
}

/** A non-blocking socket to `target`'s family that leaves as asked; throws `SystemError` with the target in it. */
export function openTowards(target: Endpoint, type: number, protocol: number, leave: Departure): number {
  const family = familyOf(target.address) === 4 ? AF_INET : AF_INET6;
  const fd = native.open(family, type | SOCK_NONBLOCK, protocol);
  try {
    if (leave.mark !== null) native.setOption(fd, SOL_SOCKET, SO_MARK, intOption(leave.mark | 0));
    const anywhere = family === AF_INET ? "0.0.0.0" : "::";
    if (leave.source !== null || leave.hasOwnPort) bindTo(fd, leave.source ?? anywhere);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

function bindTo(fd: number, source: string): void {
  try {
    native.bind(fd, internetAddress({ address: source, port: 0 }));
  } catch (error) {
    if (error instanceof SystemError) throw new SystemError(error.call, error.code, source);
    throw error;
  }
}
