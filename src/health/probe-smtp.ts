import { hostname } from "node:os";
import type { ProbeTiming, SmtpCheck } from "../config/check-plan.ts";
import type { ByteStream } from "./byte-stream.ts";
import { askedAt, dial } from "./dial.ts";
import { LineReader } from "./line-reader.ts";
import { startTls } from "./tls-stream.ts";
import type { Deadline } from "./deadline.ts";

const mostLines = 100;

interface Reply {
  readonly code: number;
  /** Each line without its code. */
  readonly lines: readonly string[];
}

/** Greets a mail server, if told so over TLS, and takes its leave (RFC 5321, RFC 3207); a failure is thrown. */
export async function probeSmtp(probe: ProbeTiming & SmtpCheck, deadline: Deadline): Promise<string> {
  const socket = await dial(probe, deadline, { speaksFirst: false });
  const name = probe.helo ?? hostname();
  try {
    const plain = new Dialogue(socket);
    await plain.expect("greeting", 220);
    const offer = await hello(plain, name);
    if (probe.tls === null) return await leave(plain, offer);
    if (!offer.lines.some((line) => /^STARTTLS$/i.test(line)))
      throw new Error("server does not offer STARTTLS");
    await plain.say("STARTTLS", 220);
    const { address } = askedAt(probe);
    const secure = new Dialogue(await startTls(socket, probe.tls, { address }));
    return await leave(secure, await hello(secure, name));
  } finally {
    socket.reset();
  }
}

/** RFC 5321 §3.2: a server that does not know EHLO knows HELO. */
async function hello(dialogue: Dialogue, name: string): Promise<Reply> {
  const reply = await dialogue.ask(`EHLO ${name}`);
  if (reply.code === 250) return reply;
  if (reply.code < 500) throw new Error(`EHLO is answered ${text(reply)}`);
  return dialogue.say(`HELO ${name}`, 250);
}

/** Who hangs up in the middle is noted in the server's log: the answer to QUIT is waited for, but proves nothing more. */
async function leave(dialogue: Dialogue, offer: Reply): Promise<string> {
  await dialogue.say("QUIT", 221);
  return `greeted as ${(offer.lines[0] ?? "").slice(0, 80)}`;
}

class Dialogue {
  readonly #stream: ByteStream;
  readonly #lines: LineReader;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#lines = new LineReader(stream);
  }

  async say(command: string, code: number): Promise<Reply> {
    this.#stream.write(new TextEncoder().encode(`${command}\r\n`));
    return this.expect(command.split(" ")[0] ?? "", code);
  }

  async ask(command: string): Promise<Reply> {
    this.#stream.write(new TextEncoder().encode(`${command}\r\n`));
    return this.#reply();
  }

  async expect(what: string, code: number): Promise<Reply> {
    const reply = await this.#reply();
    if (reply.code !== code) throw new Error(`${what} is answered ${text(reply)}, want ${code}`);
    return reply;
  }

  /** RFC 5321 §4.2.1: every line but the last has a hyphen after the code. */
  async #reply(): Promise<Reply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#lines.line();
      const match = /^(\d{3})(?:([ -])(.*))?$/.exec(line);
      if (match === null) throw new Error(`answer is no SMTP (${JSON.stringify(line.slice(0, 40))})`);
      lines.push(match[3] ?? "");
      if (match[2] !== "-") return { code: Number(match[1]), lines };
      if (lines.length >= mostLines) throw new Error("answer has no end");
    }
  }
}

function text({ code, lines }: Reply): string {
  return `${code} ${lines[0] ?? ""}`.trim().slice(0, 100);
}
