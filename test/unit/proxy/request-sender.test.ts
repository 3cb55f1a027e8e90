import { describe, expect, test } from "bun:test";
import type { ExchangeOptions } from "../../../src/proxy/exchange-client.ts";
import { RequestSender } from "../../../src/proxy/request-sender.ts";
import { SentHead } from "../../../src/proxy/sent-head.ts";
import type { BodyPiece } from "../../../src/proxy/body-piece.ts";
import type { UpstreamStream } from "../../../src/proxy/upstream-stream.ts";

/** A client that has sent so many pieces of its body so far, of so many. */
class Uploader {
  isReading = true;
  private came: number;
  private readonly all: number;
  private readonly bytes: Buffer;

  constructor(came: number, all: number, bytes: Buffer = Buffer.from("body")) {
    this.came = came;
    this.all = all;
    this.bytes = bytes;
  }

  /** Has one more piece come. */
  sends(): void {
    this.came += 1;
  }

  takeBody(): BodyPiece | null {
    if (this.came === this.taken) return null;
    this.taken += 1;
    return { bytes: this.bytes, start: 0, end: this.bytes.length };
  }

  isBodyDone(): boolean {
    return this.taken === this.all;
  }

  isBodyTouched(): boolean {
    return this.taken > 0;
  }

  pauseReading(): void {
    this.isReading = false;
  }

  resumeReading(): void {
    this.isReading = true;
  }

  private taken = 0;
}

class Server {
  isBlocked = false;
  pieces = 0;
  /** What came with the head. */
  first = "";
  /** Whether what comes next is more than it takes at once. */
  isSlow = false;

  sendRequest(_head?: SentHead, _isChunked?: boolean, piece: BodyPiece | null = null): boolean {
    this.first = piece?.bytes.toString("latin1", piece.start, piece.end) ?? "";
    this.pieces += 1;
    this.isBlocked = this.isSlow;
    return true;
  }

  sendBody(): void {
    this.sendRequest();
  }
}

function senderFor(client: Uploader, method = "POST"): RequestSender {
  const o = {
    engine: { sweep: { after: (ms: number) => ms } },
    client,
    route: { plan: { sendTimeoutMs: 60_000 } },
    head: { method, bodyLength: 12, expectsContinue: false },
    sentHead: SentHead.ofText(""),
  };
  const request = { isOver: false, requestSent: () => undefined };
  return new RequestSender(o as unknown as ExchangeOptions, request);
}

test("once the server has taken all there was, the client alone is waited for again", () => {
  const client = new Uploader(1, 3);
  const server = new Server();
  const upstream = server as unknown as UpstreamStream;
  const sender = senderFor(client);
  sender.begin(upstream);
  expect(sender.awaitsBody).toBe(true);
  server.isSlow = true;
  client.sends();
  sender.sendBody(upstream);
  // It is the server that is waited for, and that has a time limit of its own.
  expect([sender.awaitsBody, sender.sendBy, client.isReading]).toEqual([false, 60_000, false]);
  server.isBlocked = false;
  sender.drained(upstream);
  // Nothing else has come meanwhile: an upload that stalls just now has to be seen.
  expect([sender.awaitsBody, sender.sendBy, client.isReading]).toEqual([true, Infinity, true]);
  server.isSlow = false;
  client.sends();
  sender.sendBody(upstream);
  expect([sender.awaitsBody, sender.isComplete, server.pieces]).toEqual([false, true, 3]);
});

describe("a request", () => {
  test("goes to a second server with its short body, which nothing changes meanwhile", () => {
    const bytes = Buffer.from("short");
    const sender = senderFor(new Uploader(1, 1, bytes), "PUT");
    const [first, second] = [new Server(), new Server()];
    sender.begin(first as unknown as UpstreamStream);
    bytes.fill("x");
    expect([sender.mayRepeat, sender.isComplete]).toEqual([true, true]);
    sender.again();
    sender.begin(second as unknown as UpstreamStream);
    expect([first.first, second.first, sender.isComplete]).toEqual(["short", "short", true]);
    sender.forget();
    expect(sender.mayRepeat).toBe(false);
  });

  test("that does something goes to a second server only if the first has certainly got nothing", () => {
    const sender = senderFor(new Uploader(1, 1));
    sender.begin(new Server() as unknown as UpstreamStream);
    expect(sender.mayRepeat).toBe(false);
    sender.hasSent = false;
    expect(sender.mayRepeat).toBe(true);
  });

  test("goes to no second server without what it had of its body", () => {
    const [inPart, long] = [
      senderFor(new Uploader(1, 2), "PUT"),
      senderFor(new Uploader(1, 1, Buffer.alloc(16 * 1024 + 1)), "PUT"),
    ];
    for (const sender of [inPart, long]) {
      sender.begin(new Server() as unknown as UpstreamStream);
      sender.hasSent = false;
      expect(sender.mayRepeat).toBe(false);
    }
  });
});
