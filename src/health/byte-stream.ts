/** A connection as the checks that speak over one see it: over TCP, or over TLS. */
export interface ByteStream {
  /** Gives the next bytes, or null at the end of the stream; nothing is read ahead. Throws why it broke. */
  read(): Promise<Uint8Array | null>;
  /** Sends bytes after those before; a failure shows in the next read. */
  write(bytes: Uint8Array): void;
  /** Ends the connection in an orderly way. */
  close(): void;
  /** Ends it at once. */
  reset(): void;
}
