import type { SlotNews, SlotWord } from "../ipc/slot-news.ts";
import { type AddressedWord, SlotLedger, type SlotsBefore } from "./slot-ledger.ts";

/** A process that slots are lent to. */
export interface SlotTaker {
  /** 0 if it does not run. */
  readonly pid: number;
  send(message: { readonly kind: "slots"; readonly words: readonly SlotWord[] }): void;
}

/** How many there are of things that are limited, by their names. */
export type SlotLimits = Readonly<Record<string, number>>;

/** Lends slots of what is limited for all proxy processes together to those that want them. */
export class SlotOffice {
  private readonly ledgers = new Map<string, SlotLedger>();
  private readonly takers = new Map<number, SlotTaker>();
  private readonly before: SlotsBefore;
  /** What is to be taken note of once something is lent again; null while something is. */
  private unheard: (() => void)[] | null = null;

  /** `limits` are those that the program before lent by, for its processes; what this one's plan says goes before. */
  constructor(before: SlotsBefore, limits: SlotLimits = {}) {
    this.before = before;
    for (const [name, limit] of Object.entries(limits)) this.ledger(name, limit);
  }

  /** How many there are of everything that is lent, by its name. */
  get limits(): SlotLimits {
    return Object.fromEntries([...this.ledgers].map(([name, { limit }]) => [name, limit]));
  }

  /** Lends nothing any more: what processes have by the time they have heard all words until now, they have. */
  pause(): void {
    this.unheard ??= [];
  }

  /** Lends again, for no other program has come. */
  goOn(): void {
    const { unheard } = this;
    this.unheard = null;
    for (const hear of unheard ?? []) hear();
    // Whoever was told that there would be nobody to hear it hears that there is.
    for (const taker of this.takers.values()) taker.send({ kind: "slots", words: [] });
  }

  /** Looks what the processes of the program before have and want by now. */
  look(): void {
    if (this.unheard !== null) return;
    this.tell([...this.ledgers.values()].flatMap((ledger) => ledger.look()));
    for (const [name, { isEmpty }] of this.ledgers) if (isEmpty) this.ledgers.delete(name);
  }

  /** Takes what a process says. */
  heard(taker: SlotTaker, news: SlotNews): void {
    this.whenLending(() => this.take(taker, news));
  }

  /** Takes back what a process has that is gone. */
  forget(taker: SlotTaker): void {
    this.whenLending(() => this.takeBack(taker));
  }

  private whenLending(act: () => void): void {
    if (this.unheard === null) act();
    else this.unheard.push(act);
  }

  private take(taker: SlotTaker, { from, notes }: SlotNews): void {
    // The last words of a process that has been started anew meanwhile are nobody's.
    if (taker.pid !== from) return;
    this.takers.set(from, taker);
    const words: AddressedWord[] = [];
    for (const note of notes) {
      const ledger = this.ledger(note.name);
      words.push(...ledger.heard(from, note));
      if (ledger.isEmpty) this.ledgers.delete(note.name);
    }
    this.tell(words);
  }

  private ledger(name: string, limit?: number): SlotLedger {
    const ledger = this.ledgers.get(name) ?? new SlotLedger(name, this.before, limit);
    this.ledgers.set(name, ledger);
    return ledger;
  }

  private takeBack(taker: SlotTaker): void {
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
