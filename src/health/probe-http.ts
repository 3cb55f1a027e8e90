import type { HttpCheck, ProbeTiming, StatusRange } from "../config/check-plan.ts";
import type { ByteStream } from "./byte-stream.ts";
import { askedAt, dial } from "./dial.ts";
import { AnswerError } from "./http/answer-error.ts";
import { Answer } from "./http/answer.ts";
import { bodyVerdict } from "./http/body-verdict.ts";
import { requestText } from "./http/request.ts";
import { startTls } from "./tls-stream.ts";
import type { Deadline } from "./deadline.ts";

/**
 * Sends one request on a connection of its own and judges the answer; the result says what came, a failure is thrown.
 * Redirects are not followed; a body is read no further than it takes to judge it.
 */
export async function probeHttp(probe: ProbeTiming & HttpCheck, deadline: Deadline): Promise<string> {
  const socket = await dial(probe, deadline);
  try {
    const { address, port } = askedAt(probe);
    const stream = probe.tls === null ? socket : await startTls(socket, probe.tls, { address });
    stream.write(new TextEncoder().encode(requestText(probe, { address, port })));
    return await judge(probe, stream);
  } finally {
    socket.reset();
  }
}

async function judge(probe: HttpCheck, stream: ByteStream): Promise<string> {
  const body = bodyVerdict(probe.body);
  const answer = new Answer({ isHead: probe.method === "HEAD", onBody: (bytes) => body.take(bytes) });
  while (!answer.isComplete && !body.hasEnough) {
    const bytes = await stream.read();
    if (bytes === null) {
      answer.end();
      break;
    }
    answer.feed(bytes);
    // A wrong status is wrong whatever follows.
    if (answer.status !== null && !isHealthy(probe.status, answer.status)) break;
  }
  const status = answer.status ?? 0;
  if (!isHealthy(probe.status, status))
    throw new AnswerError(`status ${status}, want ${rangesText(probe.status)}`);
  body.judge();
  return `status ${status}`;
}

/** Tells whether a status lies in one of the ranges. */
export function isHealthy(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(({ from, to }) => from <= status && status <= to);
}

function rangesText(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}
