import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { unixAddress } from "./socket-address.ts";
import { AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM } from "./socket-constants.ts";

/**
 * Sends one datagram to a Unix socket, with a copy of a descriptor if one is given; a leading `@` names an abstract socket.
 * Throws rather than waits.
 */
export function sendUnixDatagram(path: string, bytes: Uint8Array, descriptor: number | null = null): void {
  const address = unixAddress(path);
  if (address === null) throw new SystemError("sendto", "EINVAL", path);
  const fd = native.open(AF_UNIX, SOCK_DGRAM, 0);
  try {
    if (descriptor === null) native.send(fd, bytes, address, MSG_DONTWAIT);
    else native.sendDescriptor(fd, bytes, { address, descriptor }, MSG_DONTWAIT);
  } catch (error) {
    if (error instanceof SystemError) throw new SystemError(error.call, error.code, path);
    throw error;
  } finally {
    native.close(fd);
  }
}
