import { unreachable } from "../../base/assert.ts";
import { AnswerError } from "./answer-error.ts";

/** How the end of a body is found (RFC 9112 §6.3). */
export type BodyLength =
  | { readonly kind: "counted"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "untilEnd" };

/** Takes a body off the connection's bytes. PURE. */
export interface BodyReader {
  readonly isComplete: boolean;
  feed(bytes: Uint8Array): void;
  /** Notes that the connection ended: whether the body is complete by that. */
  end(): boolean;
}

/** Makes the reader for a body of that length. */
export function bodyReader(length: BodyLength, onBody: (bytes: Uint8Array) => void): BodyReader {
  switch (length.kind) {
    case "counted":
      return new CountedBody(length.bytes, onBody);
    case "chunked":
      return new ChunkedBody(onBody);
    case "untilEnd":
      return { isComplete: false, feed: onBody, end: () => true };
    default:
      return unreachable(length);
  }
}

class CountedBody implements BodyReader {
  readonly #onBody: (bytes: Uint8Array) => void;
  #left: number;

  constructor(bytes: number, onBody: (bytes: Uint8Array) => void) {
    this.#left = bytes;
    this.#onBody = onBody;
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  feed(bytes: Uint8Array): void {
    const own = bytes.subarray(0, this.#left);
    this.#left -= own.length;
    if (own.length > 0) this.#onBody(own);
  }

  end(): boolean {
    return this.isComplete;
  }
}

const longestLine = 4096;
const mostTrailerBytes = 16_384;

/** RFC 9112 §7.1. */
class ChunkedBody implements BodyReader {
  readonly #onBody: (bytes: Uint8Array) => void;
  #state: "size" | "data" | "dataEnd" | "trailer" | "done" = "size";
  #line = "";
  #left = 0;
  #trailerBytes = 0;

  constructor(onBody: (bytes: Uint8Array) => void) {
    this.#onBody = onBody;
  }

  get isComplete(): boolean {
    return this.#state === "done";
  }

  feed(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0 && this.#state !== "done") {
      rest = this.#state === "data" ? this.#takeData(rest) : this.#takeLine(rest);
    }
  }

  end(): boolean {
    return this.isComplete;
  }

  #takeData(bytes: Uint8Array): Uint8Array {
    const own = bytes.subarray(0, this.#left);
    this.#left -= own.length;
    this.#onBody(own);
    if (this.#left === 0) this.#state = "dataEnd";
    return bytes.subarray(own.length);
  }

  #takeLine(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(0x0a);
    const own = end < 0 ? bytes : bytes.subarray(0, end);
    if (this.#line.length + own.length > longestLine)
      throw new AnswerError("answer is no valid HTTP (a chunk of its body has no length)");
    this.#line += Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString("latin1");
    if (end < 0) return bytes.subarray(bytes.length);
    const line = this.#line.replace(/\r$/, "");
    this.#line = "";
    this.#finishLine(line);
    return bytes.subarray(end + 1);
  }

  #finishLine(line: string): void {
    if (this.#state === "dataEnd" && line === "") this.#state = "size";
    else if (this.#state === "trailer") {
      this.#trailerBytes += line.length;
      if (line === "") this.#state = "done";
      else if (this.#trailerBytes > mostTrailerBytes) throw new AnswerError("answer head too large");
    } else {
      const size = /^([0-9a-fA-F]{1,13})[ \t]*(?:;.*)?$/.exec(line)?.[1];
      if (size === undefined || this.#state === "dataEnd")
        throw new AnswerError("answer is no valid HTTP (a chunk of its body has no length)");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    }
  }
}
