import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { intOption } from "./socket-address.ts";
import { SOL_SOCKET, SO_RCVBUF, SO_RCVBUFFORCE, SO_SNDBUF, SO_SNDBUFFORCE } from "./socket-constants.ts";

/** Gives a socket room for so many bytes that wait to be received; without CAP_NET_ADMIN, as far as the system allows everybody. */
export function growReceiveQueue(fd: number, length: number): void {
  grow(fd, length, { forced: SO_RCVBUFFORCE, allowed: SO_RCVBUF });
}

/** Gives a socket room to send so many bytes at once, with the same reservation. */
export function growSendQueue(fd: number, length: number): void {
  grow(fd, length, { forced: SO_SNDBUFFORCE, allowed: SO_SNDBUF });
}

function grow(
  fd: number,
  length: number,
  { forced, allowed }: { readonly forced: number; readonly allowed: number },
): void {
  try {
    native.setOption(fd, SOL_SOCKET, forced, intOption(length));
  } catch (error) {
    if (!hasCode(error, "EPERM")) throw error;
    native.setOption(fd, SOL_SOCKET, allowed, intOption(length));
  }
}
