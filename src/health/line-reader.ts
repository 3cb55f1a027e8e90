import type { ByteStream } from "./byte-stream.ts";

/** A line may be this long; RFC 5321 §4.5.3.1.5 asks for 512. */
const longestLine = 2048;

/** Reads a stream line by line. */
export class LineReader {
  readonly #stream: ByteStream;
  #rest = "";

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Gives the next line without its end; the last one of the stream may lack it if told so. Throws why there is none. */
  async line(options: { readonly mayEndWithStream?: boolean } = {}): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0 && end <= longestLine) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line.replace(/\r$/, "");
      }
      if (this.#rest.length > longestLine) throw new Error("answer is a line without end");
      const bytes = await this.#stream.read();
      if (bytes === null) return this.#last(options.mayEndWithStream === true);
      this.#rest += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    }
  }

  #last(mayEndWithStream: boolean): string {
    const line = this.#rest;
    if (line === "") throw new Error("connection closed without an answer");
    if (!mayEndWithStream) throw new Error("connection closed before the answer was complete");
    this.#rest = "";
    return line.replace(/\r$/, "");
  }
}
