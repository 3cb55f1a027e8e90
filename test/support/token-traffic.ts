import type { Script } from "./raw-tcp.ts";

/** One message as HTTP/1.1 writes it, Latin-1. */
export interface Message {
  readonly head: string;
  readonly body: string;
  /** Where it ends in the text that it was read from. */
  readonly end: number;
}

/** Gives a body that belongs to one token and no other. */
export function bodyOf(token: string, length: number): string {
  return `<${token}>`.repeat(Math.ceil(length / (token.length + 2))).slice(0, length);
}

/** Reads the message that begins at an offset; null if it is not complete. */
export function readMessage(text: string, start = 0): Message | null {
  const at = text.indexOf("\r\n\r\n", start);
  if (at < 0) return null;
  const head = text.slice(start, at + 4);
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return readChunks(text, head, at + 4);
  const end = at + 4 + Number(fieldOf(head, "content-length") || 0);
  return text.length < end ? null : { head, body: text.slice(at + 4, end), end };
}

function readChunks(text: string, head: string, start: number): Message | null {
  let body = "";
  for (let at = start; ;) {
    const from = text.indexOf("\r\n", at) + 2;
    const length = Number.parseInt(text.slice(at, from), 16);
    const end = from + length + 2;
    if (from < 2 || text.length < end) return null;
    body += text.slice(from, from + length);
    if (length === 0) return { head, body, end };
    at = end;
  }
}

/** Gives the value of a field of a head; empty if it is not there. */
export function fieldOf(head: string, name: string): string {
  return new RegExp(`\r\n${name}: *([^\r]*)`, "i").exec(head)?.[1] ?? "";
}

/** Cuts a text into so many pieces, at random places. */
export function cutAtRandom(text: string, pieces: number, random: () => number): readonly string[] {
  const cuts = Array.from({ length: pieces - 1 }, () => Math.trunc(random() * text.length));
  const edges = [0, ...cuts.toSorted((one, other) => one - other), text.length];
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge));
}

/** Writes a body in the chunked coding, in chunks of any size. */
function chunked(content: string, random: () => number): string {
  const parts = cutAtRandom(content, 1 + Math.trunc(random() * 8), random).filter((part) => part !== "");
  return `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
}

/**
 * Answers each request with a body for its token, framed and cut at random, by way of a script; with 500 if the body of the request is another
 * one's. What a request wants stands in its fields: `x-token`, `x-sent` and `x-wanted`, both in bytes, and perhaps in how many `x-pieces`.
 */
export function tokenServer(random: () => number): Script {
  return (connection) => {
    for (let next = readMessage(connection.received); next !== null;) {
      connection.received = connection.received.slice(next.end);
      answer(next);
      next = readMessage(connection.received);
    }

    function answer({ body, head }: Message): void {
      const token = fieldOf(head, "x-token");
      const isRight = body === bodyOf(token, Number(fieldOf(head, "x-sent")));
      const content = bodyOf(token, Number(fieldOf(head, "x-wanted")));
      const start = `HTTP/1.1 ${isRight ? "200 OK" : "500 Wrong"}\r\nX-Token: ${token}\r\nContent-Type: text/plain\r\n`;
      const kind = random();
      const text =
        kind < 0.4
          ? `${start}Content-Length: ${content.length}\r\n\r\n${content}`
          : kind < 0.8
            ? `${start}Transfer-Encoding: chunked\r\n\r\n${chunked(content, random)}`
            : `${start}Connection: close\r\n\r\n${content}`;
      const count = Number(fieldOf(head, "x-pieces")) || 1 + Math.trunc(random() * 4);
      const pieces = cutAtRandom(text, count, random);
      const isLast = kind >= 0.8;
      void send(pieces, isLast);
    }

    async function send(pieces: readonly string[], isLast: boolean): Promise<void> {
      for (const piece of pieces) {
        connection.send(piece);
        if (random() < 0.5) await Bun.sleep(pieces.length > 100 ? 0 : random() * 3);
      }
      if (isLast) connection.end();
    }
  };
}
