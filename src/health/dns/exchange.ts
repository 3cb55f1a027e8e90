import { concatBytes } from "../../base/bytes.ts";
import { SOCK_DGRAM } from "../../kernel/socket-constants.ts";
import type { ByteStream } from "../byte-stream.ts";
import type { Deadline } from "../deadline.ts";
import { dialDatagram } from "../dial-datagram.ts";
import { dial, type Dialled } from "../dial.ts";
import { portUnreachable } from "../port-unreachable.ts";
import { readReply, type DnsReply } from "./message.ts";

/**
 * Asks by UDP, from a port of its own that the kernel draws for each question. What is no answer to it is not heard: it comes
 * from elsewhere, has another id, or repeats another question. Throws what went wrong.
 */
export async function askByDatagram(
  to: Dialled,
  question: Uint8Array,
  deadline: Deadline,
): Promise<DnsReply> {
  const socket = dialDatagram(to, { type: SOCK_DGRAM, protocol: 0 }, deadline);
  try {
    socket.send(question);
    for (;;) {
      const reply = readReply(await socket.receive(), question);
      if (reply !== null) return reply;
    }
  } catch (error) {
    throw portUnreachable(error);
  } finally {
    socket.close();
  }
}

/** Asks by TCP, where a length of two bytes goes before each message (RFC 1035 §4.2.2). Throws what went wrong. */
export async function askByStream(to: Dialled, question: Uint8Array, deadline: Deadline): Promise<DnsReply> {
  const socket = await dial(to, deadline);
  try {
    socket.write(concatBytes(Uint8Array.of(question.length >> 8, question.length & 0xff), question));
    const reply = readReply(await readMessage(socket), question);
    if (reply === null) throw new Error("reply is to another question");
    return reply;
  } finally {
    socket.reset();
  }
}

async function readMessage(stream: ByteStream): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const length = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
    if (bytes.length >= 2 + length && bytes.length > 2) return bytes.subarray(2, 2 + length);
    const more = await stream.read();
    if (more === null) throw new Error("connection closed before the answer was complete");
    bytes = concatBytes(bytes, more) as Uint8Array<ArrayBuffer>;
  }
}
