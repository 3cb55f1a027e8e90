import { DatagramSocket, type DatagramKind } from "../kernel/datagram-socket.ts";
import { sharedPollSet } from "../kernel/poll-set.ts";
import type { Dialled } from "./dial.ts";
import type { Deadline } from "./deadline.ts";

/** Opens a socket for datagrams to a probe's target and back, closed when `deadline` aborts; throws `SystemError`. */
export function dialDatagram(probe: Dialled, kind: DatagramKind, deadline: Deadline): DatagramSocket {
  const { target, source, mark, vip } = probe;
  const socket = new DatagramSocket(sharedPollSet(), target, {
    source,
    mark,
    // As of a connection: on the wire our port alone tells whose answer it is.
    hasOwnPort: vip !== null,
    ...kind,
  });
  deadline.onOver(() => socket.close());
  return socket;
}
