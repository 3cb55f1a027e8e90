import { DatagramSocket, type DatagramKind } from "../kernel/datagram-socket.ts";
import { sharedPollSet } from "../kernel/poll-set.ts";
import type { Dialled } from "./dial.ts";

/** Opens a socket for datagrams to a probe's target and back, closed when `signal` aborts; throws `SystemError`. */
export function dialDatagram(probe: Dialled, kind: DatagramKind, signal: AbortSignal): DatagramSocket {
  const { target, source, mark } = probe;
  const socket = new DatagramSocket(sharedPollSet(), target, { source, mark, ...kind });
  signal.addEventListener("abort", () => socket.close(), { once: true });
  return socket;
}
