import { AnswerError } from "./answer-error.ts";
import { bodyReader, type BodyLength, type BodyReader } from "./body-reader.ts";

/** A head may be this long, and so may trailers. */
export const headLimitBytes = 16_384;

const blankLine = /\r?\n\r?\n/g;
const mostInterimAnswers = 16;

/**
 * Reads one answer to one request as its bytes come (RFC 9112). PURE. Keeps the head until it is complete and nothing of
 * the body: that goes to `onBody`, piece by piece. Throws `AnswerError` where the bytes are no answer.
 */
export class Answer {
  readonly #isHead: boolean;
  readonly #onBody: (bytes: Uint8Array) => void;
  #head = "";
  #body: BodyReader | null = null;
  #status: number | null = null;
  #interimAnswers = 0;

  constructor(options: { readonly isHead: boolean; readonly onBody: (bytes: Uint8Array) => void }) {
    this.#isHead = options.isHead;
    this.#onBody = options.onBody;
  }

  /** The status, once the head is complete. */
  get status(): number | null {
    return this.#status;
  }

  /** Whether all of it is there; what follows is not part of it. */
  get isComplete(): boolean {
    return this.#body?.isComplete === true;
  }

  /** Takes the next bytes. */
  feed(bytes: Uint8Array): void {
    if (this.#body !== null) return this.#body.feed(bytes);
    const before = this.#head.length;
    this.#head += latin1(bytes.subarray(0, headLimitBytes + 1 - before));
    if (!"HTTP/1.".startsWith(this.#head.slice(0, 7)) || this.#isNoStatus())
      throw new AnswerError("answer is no valid HTTP (it begins with something else than a status line)");
    blankLine.lastIndex = Math.max(0, before - 3);
    const end = blankLine.exec(this.#head);
    if (end === null || end.index > headLimitBytes) {
      if (this.#head.length > headLimitBytes) throw new AnswerError("answer head too large");
      return;
    }
    const rest = bytes.subarray(end.index + end[0].length - before);
    this.#readHead(this.#head.slice(0, end.index));
    // An interim answer (RFC 9110 §15.2) is followed by the real one.
    if (rest.length > 0) this.feed(rest);
  }

  /** Notes that the connection ended; throws if that was too early. */
  end(): void {
    if (this.#body === null && this.#head === "")
      throw new AnswerError("connection closed without an answer");
    if (this.#body === null || !this.#body.end())
      throw new AnswerError("connection closed before the answer was complete");
  }

  #isNoStatus(): boolean {
    const line = this.#head.slice(0, 13);
    return line.length >= 13 ? !/^HTTP\/1\.\d \d{3}[ \r\n]/.test(line) : false;
  }

  #readHead(head: string): void {
    const [first = "", ...lines] = head.split(/\r?\n/);
    const match = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(first);
    if (match === null) throw new AnswerError("answer is no valid HTTP (its status line is broken)");
    const status = Number(match[1]);
    this.#head = "";
    if (status >= 100 && status < 200 && status !== 101) {
      this.#interimAnswers += 1;
      if (this.#interimAnswers > mostInterimAnswers) throw new AnswerError("interim answers without end");
      return;
    }
    this.#status = status;
    const isBodiless = this.#isHead || status === 204 || status === 304 || status === 101;
    this.#body = bodyReader(isBodiless ? { kind: "counted", bytes: 0 } : lengthOf(lines), this.#onBody);
  }
}

/** RFC 9112 §6.3: how long the body is. */
function lengthOf(lines: readonly string[]): BodyLength {
  let length: BodyLength = { kind: "untilEnd" };
  for (const line of lines) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (match === null && !/^[ \t]/.test(line))
      throw new AnswerError(`answer is no valid HTTP (${JSON.stringify(line.slice(0, 40))} is no field)`);
    const name = match?.[1]?.toLowerCase();
    const value = match?.[2] ?? "";
    if (name === "transfer-encoding" && /(^|,)[ \t]*chunked$/i.test(value)) return { kind: "chunked" };
    if (name === "content-length" && length.kind === "untilEnd") length = counted(value);
  }
  return length;
}

function counted(value: string): BodyLength {
  const bytes = Number(value.split(",")[0]);
  if (!/^\d{1,15}(?:,[ \t]*\d+)*$/.test(value))
    throw new AnswerError(
      `answer is no valid HTTP (its Content-Length is ${JSON.stringify(value.slice(0, 40))})`,
    );
  return { kind: "counted", bytes };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
