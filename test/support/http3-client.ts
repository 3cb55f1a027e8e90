import { connect, type QuicSession } from "node:quic";
import { drainable, type RequestStream } from "../../src/proxy/http3/quic-stream.ts";
import { waitFor } from "./lab.ts";

type Fields = NodeJS.Dict<string | string[]>;

/** A request over HTTP/3 and what has come of its response. */
export class Http3Exchange {
  readonly interim: Fields[] = [];
  fields: Fields | null = null;
  trailers: Fields | null = null;
  /** As Latin-1. */
  body = "";
  bytes = 0;
  hasEnded = false;
  isReset = false;
  readonly stream: RequestStream;

  constructor(stream: RequestStream, keepsBody: boolean) {
    this.stream = stream;
    stream.onerror = () => undefined;
    stream.onheaders = (fields) => void (this.fields = fields);
    stream.oninfo = (fields) => void this.interim.push(fields);
    stream.ontrailers = (fields) => void (this.trailers = fields);
    stream.closed.catch(() => (this.isReset = true));
    if (keepsBody) void this.read();
  }

  get status(): number {
    return Number(this.fields?.[":status"] ?? 0);
  }

  /** Reads the body from now on. */
  async read(): Promise<void> {
    try {
      for await (const batch of this.stream as AsyncIterable<readonly Uint8Array[]>) {
        for (const bytes of batch) this.take(Buffer.from(bytes));
      }
      this.hasEnded = true;
    } catch {
      this.isReset = true;
    }
  }

  /** Sends more of the body, which has no length that would be told. */
  send(text: string): void {
    this.stream.writer.writeSync(Buffer.from(text, "latin1"));
  }

  /** Sends zeros, as far as the proxy lets it, and ends the body. */
  async sendZeros(bytes: number): Promise<void> {
    const { writer } = this.stream;
    for (let left = bytes; left > 0;) {
      const piece = Buffer.alloc(Math.min(left, 65_536));
      if (writer.writeSync(piece)) left -= piece.length;
      else await writer[drainable]();
    }
    writer.endSync();
  }

  /** Waits for the end of the response. */
  async end(): Promise<this> {
    const isOver = (): boolean => (this.hasEnded && this.fields !== null) || this.isReset;
    await waitFor("the end of the response", isOver, 60_000); // of a large body on a busy machine, too
    return this;
  }

  private take(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.body.length < 65_536) this.body += bytes.toString("latin1");
  }
}

/** A client that speaks HTTP/3. */
export class Http3Client implements AsyncDisposable {
  readonly session: QuicSession;
  isClosed = false;
  isGoingAway = false;

  private constructor(session: QuicSession) {
    this.session = session;
    session.ongoaway = () => void (this.isGoingAway = true);
    const closed = (): void => void (this.isClosed = true);
    session.closed.then(closed, closed);
  }

  /** Connects to a port of the loopback address. */
  static async connect(port: number, servername = "shop.example"): Promise<Http3Client> {
    const session = await connect(`127.0.0.1:${port}`, {
      alpn: "h3",
      servername,
      verifyPeer: "manual",
      rejectUnauthorized: false,
      reuseEndpoint: false,
      onerror: () => undefined,
    });
    await session.opened;
    return new Http3Client(session);
  }

  /** Asks; a body is sent by hand unless the request has none. */
  async ask(
    path: string,
    more: Fields = {},
    o: { readonly sends?: boolean; readonly reads?: boolean } = {},
  ): Promise<Http3Exchange> {
    const fields: Fields = {
      ":method": "GET",
      ":scheme": "https",
      ":authority": "shop.example",
      ":path": path,
      ...more,
    };
    for (const [name, value] of Object.entries(fields)) if (value === undefined) delete fields[name];
    const stream = await this.session.createBidirectionalStream();
    const exchange = new Http3Exchange(stream as unknown as RequestStream, o.reads ?? true);
    stream.sendHeaders(fields, { terminal: o.sends !== true });
    return exchange;
  }

  /** Asks and waits for the end of the response. */
  async get(path: string, more: Fields = {}): Promise<Http3Exchange> {
    const exchange = await this.ask(path, more);
    return await exchange.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy(undefined, { code: 0x100, type: "application" });
    // It is said by then.
    await Bun.sleep(20);
  }
}
