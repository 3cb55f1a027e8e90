import type { DnsCheck, ProbeTiming } from "../config/check-plan.ts";
import type { Deadline } from "./deadline.ts";
import { askByDatagram, askByStream } from "./dns/exchange.ts";
import { randomId, writeQuestion, type DnsReply } from "./dns/message.ts";

/** Asks a name server one question; the result is what it answered, a failure is thrown. */
export async function probeDns(probe: ProbeTiming & DnsCheck, deadline: Deadline): Promise<string> {
  const ask = probe.protocol === "udp" ? askByDatagram : askByStream;
  return judge(probe, await ask(probe, writeQuestion(probe, randomId()), deadline));
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
