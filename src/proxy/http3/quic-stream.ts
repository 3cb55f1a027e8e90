import type { QuicStream } from "node:quic";

/** A stream of QUIC as the runtime has it; its types do not know all of it. */
export interface RequestStream extends Omit<QuicStream, "writer" | typeof Symbol.asyncIterator> {
  /** Breaks off what we send (RFC 9000 §3.1). */
  resetStream(code: bigint): void;
  /** Asks the client to send no more (RFC 9000 §3.5). */
  stopSending(code: bigint): void;
  readonly writer: StreamWriter;
  [Symbol.asyncIterator](): AsyncIterator<readonly Uint8Array[]>;
}

/** Waits until a writer has room again. */
export const drainable: unique symbol = Symbol.for("Stream.drainableProtocol") as never;

/** What a stream is written with. */
export interface StreamWriter {
  /** Bytes that it takes; null once it is closed. */
  readonly desiredSize: number | null;
  /** Takes a copy of all of it, however long; false if it has no room at all. */
  writeSync(bytes: Uint8Array): boolean;
  endSync(): number;
  /** Null if there is room, or will never be. */
  [drainable](): Promise<boolean> | null;
}
