import { concatBytes } from "../base/bytes.ts";
import type { DnsCheck, ProbeTiming } from "../config/check-plan.ts";
import { SOCK_DGRAM } from "../kernel/socket-constants.ts";
import type { ByteStream } from "./byte-stream.ts";
import { dialDatagram } from "./dial-datagram.ts";
import { dial } from "./dial.ts";
import { readReply, writeQuestion, type DnsReply } from "./dns/message.ts";
import { portUnreachable } from "./port-unreachable.ts";
import type { Deadline } from "./deadline.ts";

/** Asks a name server one question; the result is what it answered, a failure is thrown. */
export async function probeDns(probe: ProbeTiming & DnsCheck, deadline: Deadline): Promise<string> {
  const question = writeQuestion(probe, Math.floor(Math.random() * 0x1_0000));
  const reply =
    probe.protocol === "udp"
      ? await askByDatagram(probe, question, deadline)
      : await askByStream(probe, question, deadline);
  return judge(probe, reply);
}

async function askByDatagram(
  probe: ProbeTiming & DnsCheck,
  question: Uint8Array,
  deadline: Deadline,
): Promise<DnsReply> {
  const socket = dialDatagram(probe, { type: SOCK_DGRAM, protocol: 0 }, deadline);
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

/** RFC 1035 §4.2.2: over TCP a length of two bytes goes before each message. */
async function askByStream(
  probe: ProbeTiming & DnsCheck,
  question: Uint8Array,
  deadline: Deadline,
): Promise<DnsReply> {
  const socket = await dial(probe, deadline);
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

function judge(probe: DnsCheck, { rcode, isTruncated, answers }: DnsReply): string {
  if (rcode !== probe.rcode) throw new Error(`${rcode}, want ${probe.rcode}`);
  if (probe.answer === null) return answers.length === 0 ? rcode : `${rcode}, ${countText(answers.length)}`;
  const wanted = probe.record === "TXT" ? probe.answer : probe.answer.toLowerCase().replace(/(?<=.)\.$/, "");
  const found = answers.filter(({ type }) => type === probe.record).map(({ data }) => data);
  if (found.includes(wanted)) return `${probe.record} ${wanted}`;
  if (isTruncated) throw new Error('reply was too long for UDP: write protocol = "tcp"');
  const said = found.length === 0 ? `no ${probe.record} record` : found.slice(0, 4).join(", ");
  throw new Error(`${said}, want ${wanted}`);
}

function countText(count: number): string {
  return count === 1 ? "1 answer" : `${count} answers`;
}
