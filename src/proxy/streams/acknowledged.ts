import { streamCalls } from "../../native/index.ts";
import type { Wire } from "../sockets.ts";

/**
 * Gives how many bytes the system at the other end of a socket has got, or, where that is not known, how many the socket has `taken`. The
 * kernel here takes up to some megabytes ahead and asks for more only once a third of them is gone, so that what it took
 * tells little of how fast a client reads.
 */
export function movedBytes(wire: Wire, taken: number): number {
  const acknowledged = wire.acknowledged === undefined ? ofRuntime(wire) : wire.acknowledged();
  return acknowledged < 0 ? taken : acknowledged;
}

function ofRuntime({ fd }: Wire): number {
  return fd === undefined || fd < 0 ? -1 : streamCalls().acknowledgedSocket(fd);
}
