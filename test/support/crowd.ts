import { waitFor } from "./lab.ts";

interface Member {
  isOpen: boolean;
  received: number;
  last: string;
}

/** Many connections to one port of the loopback address, which count what comes and keep the end of it only. */
export class Crowd implements AsyncDisposable {
  private readonly sockets: Bun.Socket<Member>[] = [];

  /** Opens this many, and sends a text over each as soon as it is open. */
  static async open(port: number, count: number, text = ""): Promise<Crowd> {
    const crowd = new Crowd();
    while (crowd.sockets.length < count) {
      const batch = Math.min(250, count - crowd.sockets.length);
      crowd.sockets.push(...(await Promise.all(Array.from({ length: batch }, () => connect(port, text)))));
    }
    return crowd;
  }

  /** Sends one text over each. */
  send(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    for (const socket of this.sockets) socket.write(bytes);
  }

  /**
   * Sends one text over each and waits for an answer that ends so, 125 at a time: there are not descriptors for all at once, and a proxy
   * that keeps 128 connections to its server closes none, of which a server that leaves its half open would keep the descriptor.
   */
  async ask(text: string, wanted: string): Promise<void> {
    const bytes = Buffer.from(text, "latin1");
    for (let from = 0; from < this.sockets.length; from += 125) {
      const batch = this.sockets.slice(from, from + 125);
      for (const socket of batch) socket.write(bytes);
      await waitFor(`answers from ${from} on`, () =>
        batch.every(({ data }) => data.last.endsWith(wanted)),
      ).catch((failure: Error) => {
        const others = batch.flatMap(({ data }, at) =>
          data.last.endsWith(wanted) ? [] : [{ at: from + at, ...data }],
        );
        throw new Error(`${failure.message}; these have something else: ${JSON.stringify(others)}`);
      });
      for (const { data } of batch) data.last = "";
    }
  }

  /** Sends one text over each and waits until at least this many bytes have come back over it. */
  async countAll(text: string, bytes: number): Promise<void> {
    const before = this.sockets.map(({ data }) => data.received);
    this.send(text);
    await waitFor(`${bytes} bytes over each connection`, () =>
      this.sockets.every(({ data }, at) => data.received - (before[at] ?? 0) >= bytes),
    );
  }

  /** Cuts each. */
  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  /** How many are open. */
  get open(): number {
    return this.sockets.filter(({ data }) => data.isOpen).length;
  }

  /** Waits until what came last over each ends in this text, and forgets it. */
  async expectAll(text: string): Promise<void> {
    const have = (): number => this.sockets.filter(({ data }) => data.last.endsWith(text)).length;
    await waitFor(
      `${this.sockets.length} clients have ${JSON.stringify(text)}`,
      () => have() === this.sockets.length,
      30_000,
    );
    for (const { data } of this.sockets) data.last = "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
  }
}

function connect(port: number, text: string): Promise<Bun.Socket<Member>> {
  return Bun.connect<Member>({
    hostname: "127.0.0.1",
    port,
    data: { isOpen: true, received: 0, last: "" },
    socket: {
      open: (socket) => {
        if (text !== "") socket.write(Buffer.from(text, "latin1"));
      },
      data: (socket, bytes) => {
        socket.data.received += bytes.length;
        socket.data.last = bytes.toString("latin1").slice(-200);
      },
      close: (socket) => void (socket.data.isOpen = false),
      error: () => undefined,
    },
  });
}
