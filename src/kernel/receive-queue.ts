import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { intOption } from "./socket-address.ts";
import { SOL_SOCKET, SO_RCVBUF, SO_RCVBUFFORCE } from "./socket-constants.ts";

/** Gives a socket room for so many bytes that wait to be received; without CAP_NET_ADMIN, as far as the system allows everybody. */
export function growReceiveQueue(fd: number, length: number): void {
  try {
    native.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, intOption(length));
  } catch (error) {
    if (!hasCode(error, "EPERM")) throw error;
    native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(length));
  }
}
