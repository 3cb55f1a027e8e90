import type { Coding } from "../../config/content-plan.ts";
import type { Turns, TurnTaker } from "../turns.ts";
import { Encoder } from "./encoder.ts";

/** What is encoded, and in whose turns. */
export interface BodyEncodingOptions {
  readonly turns: Turns;
  readonly body: Buffer;
  readonly coding: Coding;
  readonly level: number;
}

/** Encodes a long body in turns, for those who want it later. */
export class BodyEncoding implements TurnTaker {
  private readonly o: BodyEncodingOptions;
  private readonly done: (code: Buffer | null) => void;
  private readonly parts: Buffer[] = [];
  private encoder: Encoder | null = null;
  private at = 0;

  /** `done` is called in another turn with the code, or with null if there is no memory for a coder. */
  constructor(o: BodyEncodingOptions, done: (code: Buffer | null) => void) {
    this.o = o;
    this.done = done;
  }

  begin(): void {
    this.o.turns.wait(this);
  }

  itsTurn(): void {
    const { body, turns } = this.o;
    try {
      while (this.at < body.length) {
        const share = turns.take(body.length - this.at, this);
        if (share === 0) return;
        this.encode(this.at + share);
      }
    } catch {
      this.end(null); // it goes as it is, and the next who wants it tries again
      return;
    }
    this.end(Buffer.concat(this.parts));
  }

  private encode(to: number): void {
    const { body, coding, level } = this.o;
    this.encoder ??= new Encoder(coding, level);
    this.parts.push(this.encoder.encode(body, this.at, to, to === body.length));
    this.at = to;
  }

  private end(code: Buffer | null): void {
    this.encoder?.close();
    this.encoder = null;
    this.done(code);
  }
}
