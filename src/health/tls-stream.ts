import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { TlsPlan } from "../config/check-plan.ts";
import type { ByteStream } from "./byte-stream.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import { contextOf } from "./trusted-authorities.ts";

/**
 * Begins TLS on a connection and resolves when the handshake is over and the certificate accepted. Throws why not, the
 * runtime's error or that of the connection below; that one remains the caller's to end.
 */
export function startTls(
  below: ByteStream,
  tls: TlsPlan,
  options: { readonly address: string; readonly protocols?: readonly string[] },
): Promise<TlsStream> {
  const carrier = new StreamDuplex(below);
  const settings: ConnectionOptions = {
    socket: carrier,
    secureContext: contextOf(tls.ca),
    rejectUnauthorized: tls.verifies,
    // RFC 6066 §3 knows names only; without one the address is what the certificate has to be for.
    ...(tls.serverName === null ? { host: options.address } : { servername: tls.serverName }),
    ...(options.protocols === undefined ? {} : { ALPNProtocols: [...options.protocols] }),
  };
  return new Promise((resolve, reject) => {
    const socket = connect(settings);
    const stream = new TlsStream(socket, carrier);
    socket.once("secureConnect", () => resolve(stream));
    socket.once("error", (error) => reject(carrier.failure ?? error));
    socket.once("close", () =>
      reject(carrier.failure ?? new Error("connection closed in the TLS handshake")),
    );
  });
}

/** A connection inside TLS. */
export class TlsStream implements ByteStream {
  readonly #socket: TLSSocket;
  readonly #carrier: StreamDuplex;
  #failure: Error | null = null;

  constructor(socket: TLSSocket, carrier: StreamDuplex) {
    this.#socket = socket;
    this.#carrier = carrier;
    socket.on("error", (error) => (this.#failure = error));
  }

  /** The protocol that was agreed on, or null. */
  get protocol(): string | null {
    const { alpnProtocol } = this.#socket;
    return typeof alpnProtocol === "string" && alpnProtocol !== "" ? alpnProtocol : null;
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const bytes = this.#socket.read() as Buffer | null;
      if (bytes !== null) return bytes;
      const failure = this.#carrier.failure ?? this.#failure;
      if (failure !== null) throw failure;
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      await this.#news();
    }
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
    this.#carrier.below.close();
  }

  reset(): void {
    this.#socket.destroy();
    this.#carrier.below.reset();
  }

  #news(): Promise<void> {
    const names = ["readable", "end", "error", "close"] as const;
    return new Promise((resolve) => {
      const tell = (): void => {
        for (const name of names) this.#socket.off(name, tell);
        resolve();
      };
      for (const name of names) this.#socket.on(name, tell);
    });
  }
}
