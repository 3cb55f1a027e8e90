import { Duplex } from "node:stream";
import type { ByteStream } from "./byte-stream.ts";

/** A connection as the runtime's TLS and HTTP/2 take one: it reads from below only what is asked for. */
export class StreamDuplex extends Duplex {
  readonly below: ByteStream;
  /** Why the connection below broke. */
  failure: Error | null = null;

  constructor(below: ByteStream) {
    super();
    this.below = below;
    // A failure is told by whoever reads; without a listener it would end the process.
    this.on("error", () => undefined);
  }

  override _read(): void {
    this.below.read().then(
      (bytes) => this.push(bytes),
      (error: unknown) => {
        this.failure = error instanceof Error ? error : new Error(String(error));
        this.destroy(this.failure);
      },
    );
  }

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.below.write(bytes);
    done();
  }
}
