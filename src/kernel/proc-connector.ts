import { encodeMessage, parseMessages } from "./netlink/message.ts";

/**
 * PURE: the kernel's process events (cn_proc): struct cn_msg { idx, val, seq, ack, len u16, flags u16 } in a netlink
 * message, and in it struct proc_event { what, cpu, timestamp u64, data }, all in host order (little-endian).
 */

/** Something that happened to a process; threads are left out. */
export type ProcessEvent =
  | { readonly kind: "fork"; readonly parent: number; readonly pid: number }
  /** It runs another program, or calls itself otherwise. */
  | { readonly kind: "exec" | "name"; readonly pid: number }
  /** Events were lost: look at all processes again. */
  | { readonly kind: "overrun" };

/** What a datagram says: events, and the answer to a request to listen as an errno (0 is yes). */
export interface ConnectorNews {
  readonly events: readonly ProcessEvent[];
  readonly answer: number | null;
}

const index = 1;
const value = 1;
const listen = 1;
const what = { none: 0, fork: 0x1, exec: 0x2, name: 0x200 } as const;
const messageLength = 20;
const eventLength = 16;
const done = 3;

/**
 * Writes the requests to listen. Kernels from 6.6 on send only the wanted kinds after the second one; older ones take no
 * notice of it, and send everything.
 */
export function listenRequests(): readonly Uint8Array[] {
  const wanted = what.fork | what.exec | what.name;
  return [request(Uint32Array.of(listen)), request(Uint32Array.of(listen, wanted))];
}

function request(words: Uint32Array): Uint8Array {
  const payload = new Uint8Array(messageLength + words.byteLength);
  const view = new DataView(payload.buffer);
  view.setUint32(0, index, true);
  view.setUint32(4, value, true);
  view.setUint16(16, words.byteLength, true);
  payload.set(new Uint8Array(words.buffer), messageLength);
  return encodeMessage({ type: done, flags: 0, sequence: 0, port: 0, payload });
}

/** Reads a datagram; what is cut off or about something else is passed over. */
export function parseConnector(datagram: Uint8Array): ConnectorNews {
  let answer: number | null = null;
  const events: ProcessEvent[] = [];
  for (const { payload } of parseMessages(datagram)) {
    if (payload.length < messageLength + eventLength + 4) continue;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    if (view.getUint32(0, true) !== index || view.getUint32(4, true) !== value) continue;
    const data = new DataView(payload.buffer, payload.byteOffset + messageLength + eventLength);
    const kind = view.getUint32(messageLength, true);
    if (kind === what.none) answer = data.getUint32(0, true);
    else if (payload.length >= messageLength + eventLength + 16) events.push(...eventsOf(kind, data));
  }
  return { events, answer };
}

function eventsOf(kind: number, data: DataView): readonly ProcessEvent[] {
  const word = (at: number): number => data.getInt32(4 * at, true);
  switch (kind) {
    case what.fork:
      // parent_pid, parent_tgid, child_pid, child_tgid; a new thread has the group of its process.
      return word(2) === word(3) ? [{ kind: "fork", parent: word(1), pid: word(3) }] : [];
    case what.exec:
      return [{ kind: "exec", pid: word(1) }];
    case what.name:
      return word(0) === word(1) ? [{ kind: "name", pid: word(1) }] : [];
    default:
      return [];
  }
}
