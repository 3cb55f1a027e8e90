/** Sends back everything it gets and ends when the client has ended; keeps what the socket does not take. */
export class EchoServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Bun.TCPSocketListener<EchoState>;

  constructor() {
    this.#server = Bun.listen<EchoState>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: {
        open: (socket) => void (socket.data = { waiting: [], hasEnded: false }),
        data(socket, bytes) {
          socket.data.waiting.push(bytes);
          flush(socket);
        },
        drain: flush,
        end(socket) {
          socket.data.hasEnded = true;
          flush(socket);
        },
      },
    });
    this.port = this.#server.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.stop(true);
  }
}

interface EchoState {
  readonly waiting: Buffer[];
  hasEnded: boolean;
}

function flush(socket: Bun.Socket<EchoState>): void {
  const { waiting } = socket.data;
  for (let bytes = waiting[0]; bytes !== undefined; bytes = waiting[0]) {
    const written = socket.write(bytes);
    if (written < bytes.length) {
      waiting[0] = bytes.subarray(Math.max(0, written));
      return;
    }
    waiting.shift();
  }
  if (socket.data.hasEnded) socket.end();
}
