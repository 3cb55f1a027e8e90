import type { ExchangeOptions } from "../exchange-client.ts";
import { BodySender } from "./body-sender.ts";
import type { FromStore } from "./from-store.ts";

/** What X-Cache and logs say of where an answer came from. */
export type Source = "HIT" | "MISS" | "EXPIRED" | "REVALIDATED" | "STALE" | "UPDATING" | "BYPASS";

/** Whoever answers. */
export interface Asker {
  /** All of a body in a file went, or the rest cannot come. */
  fileSent(isWhole: boolean): void;
}

/** An answer that is made from what is stored: at once, or in pieces if its body is in a file. */
export class StoreAnswer {
  /** Its status; 0 until there is one. */
  status = 0;
  private readonly o: Pick<ExchangeOptions, "engine" | "route" | "sink">;
  private readonly asker: Asker;
  private sender: BodySender | null = null;

  constructor(o: Pick<ExchangeOptions, "engine" | "route" | "sink">, asker: Asker) {
    this.o = o;
    this.asker = asker;
  }

  /** Whether there is more of it to come. */
  get isUnderWay(): boolean {
    return this.sender !== null;
  }

  /** Answers; `added` are more field lines. True if what the server still says may come: it goes nowhere. */
  send({ fields, head, part, piece }: FromStore, added: string, source: Source): boolean {
    const { engine, route, sink } = this.o;
    this.status = head.status;
    const all = { removed: route.rules.removed, added: `${added}X-Cache: ${source}\r\n` };
    const isTaken = sink.sendResponse({ head, fields, rules: all }, piece, part === null);
    if (part === null) return isTaken;
    const { log, sweep } = engine;
    this.sender = new BodySender(part, {
      sink,
      sweep,
      log,
      ended: (isWhole) => {
        this.sender = null;
        this.asker.fileSent(isWhole);
      },
    });
    if (isTaken) this.sender.goOn();
    return true;
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    this.sender?.goOn();
  }

  sweep(now: number): void {
    this.sender?.sweep(now);
  }

  /** Nobody waits for the rest. */
  cancel(): void {
    this.sender?.cancel();
    this.sender = null;
  }
}
