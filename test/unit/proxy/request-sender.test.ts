import { expect, test } from "bun:test";
import type { ExchangeOptions } from "../../../src/proxy/exchange-client.ts";
import { RequestSender } from "../../../src/proxy/request-sender.ts";
import { SentHead } from "../../../src/proxy/sent-head.ts";
import type { BodyPiece, UpstreamStream } from "../../../src/proxy/upstream-connection.ts";

/** A client that has sent so many pieces of its body so far, of so many. */
class Uploader {
  isReading = true;
  private came: number;
  private readonly all: number;

  constructor(came: number, all: number) {
    this.came = came;
    this.all = all;
  }

  /** Has one more piece come. */
  sends(): void {
    this.came += 1;
  }

  takeBody(): BodyPiece | null {
    if (this.came === this.taken) return null;
    this.taken += 1;
    return { bytes: Buffer.from("body"), start: 0, end: 4 };
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
  /** Whether what comes next is more than it takes at once. */
  isSlow = false;

  sendRequest(): boolean {
    this.pieces += 1;
    this.isBlocked = this.isSlow;
    return true;
  }

  sendBody(): void {
    this.sendRequest();
  }
}

function senderFor(client: Uploader): RequestSender {
  const o = {
    engine: { sweep: { after: (ms: number) => ms } },
    client,
    route: { plan: { sendTimeoutMs: 60_000 } },
    head: { bodyLength: 12, expectsContinue: false },
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
