import { HpackDecoder } from "../../src/proxy/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../src/proxy/http2/hpack-encoder.ts";
import {
  clientPreface,
  flag,
  frameHeadBytes,
  frameType,
  readFrameHead,
  settingsFrame,
  writeFrameHead,
} from "../../src/proxy/http2/frames.ts";
import { waitFor } from "./lab.ts";

/** A frame that came, with its fields if it has any. */
export interface CameFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  readonly fields: Readonly<Record<string, string>>;
}

/** A client that sends what frames it is told, right or wrong, and keeps what comes. */
export class RawHttp2Client implements AsyncDisposable {
  readonly frames: CameFrame[] = [];
  isClosed = false;
  private readonly encoder = new HpackEncoder(0);
  private readonly decoder = new HpackDecoder(4096, { fields: 1000, bytes: 1 << 20 });
  private held = Buffer.alloc(0);
  private waiting = Buffer.alloc(0);
  private socket: Bun.Socket | null = null;

  /** Connects in clear text and sends the preface with empty settings. */
  static async connect(port: number, preface: Buffer = clientPreface): Promise<RawHttp2Client> {
    const client = new RawHttp2Client();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, bytes) => client.take(bytes),
        drain: () => client.send(Buffer.alloc(0)),
        close: () => void (client.isClosed = true),
        error: () => undefined,
      },
    });
    client.send(preface);
    client.send(settingsFrame([]));
    return client;
  }

  /** Sends bytes as they are. */
  send(bytes: Buffer): void {
    this.waiting = Buffer.concat([this.waiting, bytes]);
    const written = this.socket?.write(this.waiting) ?? 0;
    this.waiting = this.waiting.subarray(Math.max(0, written));
  }

  /** Sends a frame. */
  frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(frameHeadBytes);
    writeFrameHead(head, 0, { type, flags, stream, length: payload.length });
    this.send(Buffer.concat([head, payload]));
  }

  /** Writes a header block. */
  block(fields: readonly (readonly [string, string])[]): Buffer {
    const out = Buffer.alloc(128 * 1024);
    let at = this.encoder.begin(out, 0);
    for (const [name, value] of fields) at = this.encoder.field(out, at, name, value);
    return out.subarray(0, at);
  }

  /** Sends a request; `more` replaces or adds fields. */
  request(stream: number, more: Readonly<Record<string, string>> = {}, isLast = true): void {
    const usual = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "a" };
    const fields = Object.entries({ ...usual, ...more });
    this.frame(
      frameType.headers,
      flag.endHeaders | (isLast ? flag.endStream : 0),
      stream,
      this.block(fields),
    );
  }

  /** Stops reading. */
  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  /** Waits for a frame and gives it. */
  async expect(what: string, fits: (frame: CameFrame) => boolean): Promise<CameFrame> {
    await waitFor(what, () => this.frames.some(fits));
    const frame = this.frames.find(fits);
    if (frame === undefined) throw new Error("unreachable");
    return frame;
  }

  /** Waits for the code with which the connection is ended. */
  async goAwayCode(): Promise<number> {
    const { payload } = await this.expect("GOAWAY", ({ type }) => type === frameType.goAway);
    return payload.readUInt32BE(4);
  }

  /** Waits for the code with which a stream is reset. */
  async resetCode(stream: number): Promise<number> {
    const fits = (frame: CameFrame): boolean =>
      frame.type === frameType.resetStream && frame.stream === stream;
    return (await this.expect(`RST_STREAM of ${stream}`, fits)).payload.readUInt32BE(0);
  }

  /** Waits for the status of a stream's final response. */
  async status(stream: number): Promise<string | undefined> {
    const fits = (frame: CameFrame): boolean =>
      frame.type === frameType.headers &&
      frame.stream === stream &&
      !(frame.fields[":status"] ?? "").startsWith("1");
    return (await this.expect(`a response on ${stream}`, fits)).fields[":status"];
  }

  /** Gives what came as the body of a stream. */
  body(stream: number): Buffer {
    const data = this.frames.filter((frame) => frame.type === frameType.data && frame.stream === stream);
    return Buffer.concat(data.map(({ payload }) => payload));
  }

  /** Tells how much came as the body of a stream. */
  bodyBytes(stream: number): number {
    let bytes = 0;
    for (const frame of this.frames)
      if (frame.type === frameType.data && frame.stream === stream) bytes += frame.payload.length;
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket?.terminate();
  }

  private take(bytes: Buffer): void {
    this.held = Buffer.concat([this.held, bytes]);
    while (this.held.length >= frameHeadBytes) {
      const head = readFrameHead(this.held, 0);
      if (this.held.length < frameHeadBytes + head.length) return;
      const payload = this.held.subarray(frameHeadBytes, frameHeadBytes + head.length);
      this.held = this.held.subarray(frameHeadBytes + head.length);
      const fields: Record<string, string> = {};
      if (head.type === frameType.headers) {
        this.decoder.decode(payload, 0, payload.length);
        for (const { name, value } of this.decoder.fields) fields[name] = value;
      }
      this.frames.push({ ...head, payload, fields });
    }
  }
}
