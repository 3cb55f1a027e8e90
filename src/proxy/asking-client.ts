import type { Answer } from "./answer.ts";
import type { ExchangeClient, ResponseSink } from "./exchange-client.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import type { BodyPiece } from "./body-piece.ts";
import type { SwitchedUpstream } from "./upstream-stream.ts";

/** The client of an exchange as seen through what stands between: what is no response passes through. */
export abstract class AskingClient {
  protected readonly client: ExchangeClient;
  protected readonly sink: ResponseSink;

  constructor(client: ExchangeClient, sink: ResponseSink) {
    this.client = client;
    this.sink = sink;
  }

  get isBlocked(): boolean {
    return this.client.isBlocked;
  }

  sendInterim(head: ResponseHead, fields: FieldTable): void {
    this.client.sendInterim(head, fields);
  }

  sendContinue(): void {
    this.client.sendContinue();
  }

  takeBody(): BodyPiece | null {
    return this.client.takeBody();
  }

  isBodyDone(): boolean {
    return this.client.isBodyDone();
  }

  isBodyTouched(): boolean {
    return this.client.isBodyTouched();
  }

  pauseReading(): void {
    this.client.pauseReading();
  }

  resumeReading(): void {
    this.client.resumeReading();
  }

  openTunnel(from: SwitchedUpstream, idleMs: number): boolean {
    return this.client.openTunnel(from, idleMs);
  }

  changed(answer: Answer): Answer {
    return this.sink.changed?.(answer) ?? answer;
  }
}
