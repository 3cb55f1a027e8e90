/** What a strict server makes of the bytes of one connection. */
export interface StrictReading {
  /** Requests that are complete. */
  readonly requests: number;
  /** What no two servers need read alike; null if there is nothing of that. */
  readonly fault: string | null;
}

const requestLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ (?:\/[!-"$-~]*|\*) HTTP\/1\.1$/;
const fieldLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t -~\x80-\xff]*)$/;

function headFault(lines: readonly string[]): string | null {
  const names = new Map<string, number>();
  for (const line of lines) {
    const name = fieldLine.exec(line)?.[1]?.toLowerCase();
    if (name === undefined) return `field line ${JSON.stringify(line)}`;
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  for (const name of ["content_length", "transfer_encoding", "trailer", "expect"])
    if (names.has(name)) return `field ${name}`;
  if (names.has("te") && !lines.includes("TE: trailers")) return "field TE";
  if (names.get("host") !== 1) return "not one Host";
  const framings = (names.get("content-length") ?? 0) + (names.get("transfer-encoding") ?? 0);
  return framings > 1 ? "framed twice" : null;
}

/** Gives the length of a chunked body in front of `text`, -1 if it is incomplete; a text says what is wrong. */
function chunkedLength(text: string): number | string {
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n", at);
    const line = text.slice(at, end < 0 ? undefined : end);
    if (!/^[0-9a-f]*\r?$/.test(line) || (end >= 0 && line === ""))
      return `chunk size ${JSON.stringify(line.slice(0, 40))}`;
    if (end < 0) return -1;
    const size = Number.parseInt(line, 16);
    at = end + 2 + size;
    const behind = text.slice(at, at + 2);
    if (!"\r\n".startsWith(behind)) return `${JSON.stringify(behind)} behind a chunk`;
    if (behind.length < 2) return -1;
    at += 2;
    if (size === 0) return at;
  }
}

function bodyLength(head: string, text: string): number | string {
  const sent = /\r\ncontent-length: (.*)\r\n/i.exec(head)?.[1];
  if (sent !== undefined) {
    if (!/^\d{1,15}$/.test(sent)) return `Content-Length ${JSON.stringify(sent)}`;
    return text.length < Number(sent) ? -1 : Number(sent);
  }
  const coding = /\r\ntransfer-encoding: (.*)\r\n/i.exec(head)?.[1];
  if (coding === undefined) return 0;
  return coding === "chunked" ? chunkedLength(text) : `Transfer-Encoding ${JSON.stringify(coding)}`;
}

/**
 * Reads requests by RFC 9112 to the letter, with code that shares nothing with the proxy's: CR LF and nothing else ends a
 * line, a message is framed once, and a chunked body has neither extensions nor trailer fields.
 */
export function readStrictly(received: string): StrictReading {
  let requests = 0;
  let left = received;
  while (left !== "") {
    const end = left.indexOf("\r\n\r\n");
    if (end < 0) return { requests, fault: null };
    const [start = "", ...lines] = left.slice(0, end).split("\r\n");
    if (!requestLine.test(start)) return { requests, fault: `request line ${JSON.stringify(start)}` };
    const fault = headFault(lines);
    if (fault !== null) return { requests, fault };
    const head = left.slice(0, end + 4);
    left = left.slice(end + 4);
    const length = bodyLength(head, left);
    if (typeof length === "string") return { requests, fault: length };
    if (length < 0) return { requests, fault: null };
    requests++;
    left = left.slice(length);
  }
  return { requests, fault: null };
}
