import type { SlotNews, SlotWord } from "../ipc/slot-news.ts";
import { type AddressedWord, SlotLedger } from "./slot-ledger.ts";

/** A process that slots are lent to. */
export interface SlotTaker {
  /** 0 if it does not run. */
  readonly pid: number;
  send(message: { readonly kind: "slots"; readonly words: readonly SlotWord[] }): void;
}

/** Lends slots of what is limited for all proxy processes together to those that want them. */
export class SlotOffice {
  private readonly ledgers = new Map<string, SlotLedger>();
  private readonly takers = new Map<number, SlotTaker>();

  /** Takes what a process says. */
  heard(taker: SlotTaker, { from, notes }: SlotNews): void {
    // The last words of a process that has been started anew meanwhile are nobody's.
    if (taker.pid !== from) return;
    this.takers.set(from, taker);
    const words: AddressedWord[] = [];
    for (const note of notes) {
      const ledger = this.ledgers.get(note.name) ?? new SlotLedger(note.name);
      this.ledgers.set(note.name, ledger);
      words.push(...ledger.heard(from, note));
      if (ledger.isEmpty) this.ledgers.delete(note.name);
    }
    this.tell(words);
  }

  /** Takes back what a process has that is gone. */
  forget(taker: SlotTaker): void {
    const words: AddressedWord[] = [];
    for (const [pid, other] of this.takers) {
      if (other !== taker) continue;
      this.takers.delete(pid);
      for (const [name, ledger] of this.ledgers) {
        words.push(...ledger.left(pid));
        if (ledger.isEmpty) this.ledgers.delete(name);
      }
    }
    this.tell(words);
  }

  private tell(words: readonly AddressedWord[]): void {
    const byTaker = Map.groupBy(words, ({ to }) => to);
    for (const [pid, addressed] of byTaker)
      this.takers.get(pid)?.send({ kind: "slots", words: addressed.map(({ word }) => word) });
  }
}
