import { waitFor } from "./lab.ts";

/** A UDP server on the loopback address that answers `name:question`, and notes who asked. */
export class UdpServer implements Disposable {
  readonly port: number;
  /** Ports that questions came from, in their order. */
  readonly sources: readonly number[];
  private readonly socket: Bun.udp.Socket<"buffer">;

  private constructor(socket: Bun.udp.Socket<"buffer">, sources: readonly number[]) {
    this.socket = socket;
    this.port = socket.port;
    this.sources = sources;
  }

  /** Starts one; it is silent to questions for which `answers` gives nothing. */
  static async start(
    name: string,
    {
      port = 0,
      answers = (text) => [`${name}:${text}`],
    }: { readonly port?: number; readonly answers?: (text: string) => readonly string[] } = {},
  ): Promise<UdpServer> {
    const sources: number[] = [];
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(own, bytes, from, address) {
          sources.push(from);
          for (const answer of answers(bytes.toString("latin1"))) {
            own.send(Buffer.from(answer, "latin1"), from, address);
          }
        },
      },
    });
    return new UdpServer(socket, sources);
  }

  [Symbol.dispose](): void {
    if (!this.socket.closed) this.socket.close();
  }
}

/** A UDP client with one port. */
export class UdpClient implements Disposable {
  /** Everything it was answered. */
  readonly received: readonly string[];
  readonly port: number;
  private readonly socket: Bun.udp.Socket<"buffer">;

  private constructor(socket: Bun.udp.Socket<"buffer">, received: readonly string[]) {
    this.socket = socket;
    this.received = received;
    this.port = socket.port;
  }

  static async open(hostname = "127.0.0.1"): Promise<UdpClient> {
    const received: string[] = [];
    const socket = await Bun.udpSocket({
      hostname,
      socket: { data: (_, bytes) => void received.push(bytes.toString("latin1")) },
    });
    return new UdpClient(socket, received);
  }

  /** Sends a datagram and waits for nothing. */
  send(port: number, text: string, address = "127.0.0.1"): void {
    this.socket.send(Buffer.from(text, "latin1"), port, address);
  }

  /** Sends a datagram and gives the next answer. */
  async ask(port: number, text: string, address = "127.0.0.1"): Promise<string> {
    const before = this.received.length;
    this.send(port, text, address);
    await waitFor(`an answer to ${text.slice(0, 20)}`, () => this.received.length > before);
    return this.received[before] ?? "";
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}
