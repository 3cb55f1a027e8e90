import type { NetlinkPort } from "../../src/kernel/netlink/connection.ts";
import { NetlinkConnection } from "../../src/kernel/netlink/connection.ts";
import { encodeMessage, parseMessages, type NetlinkMessage } from "../../src/kernel/netlink/message.ts";

/** What a fake kernel answers: whole datagrams, each a list of messages or literal bytes. */
export type FakeAnswer = readonly (Uint8Array | readonly NetlinkMessage[])[];

/** A netlink socket without a kernel: each request is answered by a function, at the level of messages. */
export class FakeNetlink implements NetlinkPort {
  /** Requests in the order they came. */
  readonly requests: NetlinkMessage[] = [];
  isClosed = false;
  readonly #answer: (request: NetlinkMessage) => FakeAnswer;
  readonly #pending: Uint8Array[] = [];

  constructor(answer: (request: NetlinkMessage) => FakeAnswer) {
    this.#answer = answer;
  }

  /** Makes a connection to this fake. */
  connection(beforeRequest?: () => void): NetlinkConnection {
    return new NetlinkConnection(this, beforeRequest);
  }

  send(bytes: Uint8Array): void {
    // As the kernel does: the bytes are others after the call.
    for (const request of parseMessages(bytes.slice())) {
      this.requests.push(request);
      for (const datagram of this.#answer(request)) this.#pending.push(datagramBytes(datagram));
    }
  }

  receive(): Uint8Array | null {
    return this.#pending.shift() ?? null;
  }

  close(): void {
    this.isClosed = true;
  }
}

function datagramBytes(datagram: Uint8Array | readonly NetlinkMessage[]): Uint8Array {
  if (datagram instanceof Uint8Array) return datagram;
  const messages = datagram.map((message) => {
    const bytes = encodeMessage(message);
    const padded = new Uint8Array((bytes.length + 3) & ~3);
    padded.set(bytes);
    return padded;
  });
  return new Uint8Array(Buffer.concat(messages));
}

/** A reply to a request. */
export function reply(request: NetlinkMessage, type: number, payload: Uint8Array, flags = 0): NetlinkMessage {
  return { type, flags, sequence: request.sequence, port: 4711, payload };
}

/** The acknowledgement of a request: success, or a positive errno. */
export function acknowledge(request: NetlinkMessage, errno = 0): NetlinkMessage {
  const payload = new Uint8Array(20);
  new DataView(payload.buffer).setInt32(0, -errno, true);
  payload.set(encodeMessage(request).subarray(0, 16), 4);
  return reply(request, 2, payload, 0x100);
}

/** The end of a dump. */
export function done(request: NetlinkMessage): NetlinkMessage {
  return reply(request, 3, new Uint8Array(4), 0x2);
}
