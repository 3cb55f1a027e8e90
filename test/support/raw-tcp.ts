import { waitFor } from "./lab.ts";

const noBytes = Buffer.alloc(0);

/** A client that sends what it is told and keeps what it gets, as Latin-1. */
export class RawClient implements AsyncDisposable {
  received = "";
  hasEnded = false;
  isClosed = false;
  private socket: Bun.Socket | null = null;
  /** What the kernel has had no room for yet, and whether the end comes behind it. */
  private unsent = noBytes;
  private isEnding = false;
  private last: string | null = null;

  /** Connects to a port of the loopback address. */
  static async connect(port: number): Promise<RawClient> {
    const client = new RawClient();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        data: (socket, bytes) => {
          client.received += bytes.toString("latin1");
          if (client.last === null || !client.received.includes(client.last)) return;
          client.last = null;
          socket.pause();
        },
        drain: () => client.flush(),
        end: () => void (client.hasEnded = true),
        close: () => void (client.isClosed = true),
        error: () => undefined,
      },
    });
    return client;
  }

  /** Sends text, one octet a character. */
  send(text: string): void {
    this.unsent = Buffer.concat([this.unsent, Buffer.from(text, "latin1")]);
    this.flush();
  }

  /** Sends each character by itself. */
  async sendSlowly(text: string): Promise<void> {
    for (const character of text) {
      this.send(character);
      await Bun.sleep(0);
    }
  }

  /** Ends the sending half, behind what is to be sent. */
  shutdown(): void {
    this.isEnding = true;
    this.flush();
  }

  /** Stops reading with the bytes that bring this text, before any other come. */
  pauseAt(text: string): void {
    this.last = text;
  }

  /** Stops reading, or goes on. */
  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  /** Cuts the connection. */
  cut(): void {
    this.socket?.terminate();
  }

  /** Waits until what was received holds this text or fits this pattern. */
  async expect(wanted: string | RegExp): Promise<string> {
    const holds = (): boolean =>
      typeof wanted === "string" ? this.received.includes(wanted) : wanted.test(this.received);
    await waitFor(`${String(wanted)} in what came: ${JSON.stringify(this.received.slice(0, 500))}`, holds);
    return this.received;
  }

  /** Waits until the peer has ended or closed the connection, and gives all that came. */
  async expectEnd(): Promise<string> {
    await waitFor("the end of the connection", () => this.hasEnded || this.isClosed);
    return this.received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket?.terminate();
  }

  private flush(): void {
    if (this.unsent.length > 0)
      this.unsent = this.unsent.subarray(Math.max(0, this.socket?.write(this.unsent) ?? 0));
    if (this.isEnding && this.unsent.length === 0) this.socket?.shutdown();
  }
}

/** Sends one text on a fresh connection and gives everything that comes until the peer ends it. */
export async function ask(port: number, text: string): Promise<string> {
  await using client = await RawClient.connect(port);
  client.send(text);
  return await client.expectEnd(); // before the client is let go
}

/** Tells whether a port of the loopback address takes connections. */
export async function isListening(port: number): Promise<boolean> {
  try {
    (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })).end();
    return true;
  } catch {
    return false;
  }
}

/** Sends text, ends the sending half, at once or later, and gives everything that comes until the peer ends or 5 s have passed. */
export function converse(port: number, text: string, endsAfterMs = 0): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  let socket: Bun.Socket | null = null;
  const finish = (): void => {
    clearTimeout(timer);
    resolve(received);
    socket?.terminate();
  };
  const timer = setTimeout(() => {
    received += "\n*** no end after 5 s ***";
    finish();
  }, 5_000);
  void Bun.connect({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    socket: {
      open: (opened) => {
        socket = opened;
        opened.write(Buffer.from(text, "latin1"));
        if (endsAfterMs === 0) opened.shutdown();
        else setTimeout(() => opened.shutdown(), endsAfterMs);
      },
      data: (_socket, bytes) => void (received += bytes.toString("latin1")),
      end: finish,
      close: finish,
      error: finish,
    },
  });
  return promise;
}

/** A connection as a scripted server sees it. */
export interface ServerConnection {
  /** All that came over it, as Latin-1. */
  received: string;
  hasEnded: boolean;
  isClosed: boolean;
  /** How many requests a script has answered. */
  sent?: number;
  readonly socket: Bun.Socket<ServerConnection>;
  /** Sends text, one octet a character. */
  send(text: string): void;
  /** Ends the sending half, behind what is to be sent. */
  end(): void;
}

/** What a scripted server does when bytes have come. */
export type Script = (connection: ServerConnection, bytes: string) => void;

/** A server that keeps every byte and does what its script says. */
export class RawServer implements AsyncDisposable {
  readonly port: number;
  readonly connections: ServerConnection[] = [];
  script: Script;
  private readonly server: Bun.TCPSocketListener<ServerConnection>;

  constructor(script: Script, port = 0) {
    this.script = script;
    const unsent = new WeakMap<Bun.Socket<ServerConnection>, Buffer>();
    const ending = new WeakSet<Bun.Socket<ServerConnection>>();
    const flush = (socket: Bun.Socket<ServerConnection>): void => {
      const bytes = unsent.get(socket) ?? noBytes;
      const rest = bytes.subarray(Math.max(0, socket.write(bytes)));
      unsent.set(socket, rest);
      if (rest.length === 0 && ending.has(socket)) socket.shutdown();
    };
    this.server = Bun.listen<ServerConnection>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        open: (socket) => {
          const send = (text: string): void => {
            unsent.set(socket, Buffer.concat([unsent.get(socket) ?? noBytes, Buffer.from(text, "latin1")]));
            flush(socket);
          };
          const end = (): void => {
            ending.add(socket);
            flush(socket);
          };
          socket.data = { received: "", hasEnded: false, isClosed: false, socket, send, end };
          this.connections.push(socket.data);
        },
        data: (socket, bytes) => {
          const text = bytes.toString("latin1");
          socket.data.received += text;
          this.script(socket.data, text);
        },
        drain: flush,
        end: (socket) => void (socket.data.hasEnded = true),
        close: (socket) => void (socket.data.isClosed = true),
        error: () => undefined,
      },
    });
    this.port = this.server.port;
  }

  /** All bytes that came, connection after connection. */
  received(): string {
    return this.connections.map(({ received }) => received).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.stop(true);
  }
}

/** Answers each request head that is complete with 200 and this body. */
export function answering(body: string, fields = ""): Script {
  const seen = new WeakMap<ServerConnection, number>();
  return (connection) => {
    const complete = connection.received.split("\r\n\r\n").length - 1;
    for (let count = seen.get(connection) ?? 0; count < complete; count++) {
      connection.send(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`);
    }
    seen.set(connection, complete);
  };
}
