import type { SlotNews, SlotNote, SlotWord } from "../../ipc/slot-news.ts";
import type { SlotBook } from "./slot-book.ts";
import { askAgainMs, SlotHolding, type SlotKeeper } from "./slot-holding.ts";

/** The slots that this process has of everything that is limited for all processes together. */
export class SlotHoldings implements SlotKeeper {
  private readonly tell: (news: SlotNews) => void;
  private readonly book: SlotBook;
  private readonly holdings = new Map<string, SlotHolding>();
  private notes: SlotNote[] = [];
  /** Whether nobody hears any more what this process says, as far as it knows: another supervisor may read what it writes down. */
  private isAlone = false;
  /** Whether it has kept something for requests that may still come. */
  hasSpare: boolean = false;
  private timer: Timer | null = null;

  constructor(tell: (news: SlotNews) => void, book: SlotBook) {
    this.tell = tell;
    this.book = book;
  }

  /** Gives the slots of this name. */
  of(name: string): SlotHolding {
    const holding = this.holdings.get(name) ?? new SlotHolding(name, this);
    this.holdings.set(name, holding);
    return holding;
  }

  now(): number {
    return performance.now();
  }

  /** Says it at the end of this turn, with all else there is to say. */
  say(note: SlotNote, speaker: SlotHolding): void {
    this.add(note);
    this.wake(speaker);
  }

  /** A process that finishes may have had no use for something for a moment, and its clients ask once more: then it has to hear the answer. */
  wake(speaker: SlotHolding): void {
    if (!this.holdings.has(speaker.name)) this.holdings.set(speaker.name, speaker);
    this.start();
  }

  /** Takes what this process is told. */
  heard(words: readonly SlotWord[]): void {
    this.beHeard();
    for (const word of words) {
      const holding = this.holdings.get(word.name);
      if (holding === undefined) this.decline(word);
      else holding.heard(word);
    }
    for (const { name } of words) this.writeDown(name);
  }

  /** Another supervisor is to come, and knows nobody here: its processes need something to begin with. */
  part(): void {
    this.isAlone = true;
    for (const holding of this.holdings.values()) holding.part();
    for (const name of this.holdings.keys()) this.writeDown(name);
    this.start();
  }

  /**
   * Finishes what is open, and leaves all else to others. Where nobody can be asked half is kept until `leaveAll`: each of the clients that
   * are idle may send another request before it hears that the connection ends.
   */
  leave(): void {
    this.hasSpare = this.isAlone;
    for (const holding of this.holdings.values())
      holding.leave(this.isAlone ? Math.ceil(holding.held / 2) : 0);
  }

  /** Leaves to others what was kept for requests that may still come. */
  leaveAll(): void {
    this.hasSpare = false;
    for (const holding of this.holdings.values()) holding.leave();
  }

  /** Says what is left to say, and ceases. */
  close(): void {
    this.flush();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private start(): void {
    this.timer ??= setInterval(() => this.tick(), askAgainMs);
  }

  /** The supervisor that had made room for another one has stayed. */
  private beHeard(): void {
    if (!this.isAlone) return;
    this.isAlone = false;
    for (const name of this.holdings.keys()) this.book.want(name, 0);
  }

  private add(note: SlotNote): void {
    this.notes.push(note);
    if (this.notes.length === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    const { notes } = this;
    if (notes.length === 0) return;
    this.notes = [];
    for (const { name } of notes) this.writeDown(name);
    this.tell({ from: process.pid, notes });
  }

  /** While something is wanted in vain others are asked anew: they may have come to use less. */
  private tick(): void {
    if (this.isAlone) this.read();
    // What is lent to a process that nobody hears may come at any time.
    let isWatchful = this.isAlone;
    for (const [name, holding] of this.holdings) {
      if (holding.isHungry) holding.again();
      if (holding.isOver && !this.isAlone) this.forget(name);
      isWatchful ||= holding.isHungry;
    }
    if (isWatchful || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  private forget(name: string): void {
    this.holdings.delete(name);
    this.writeDown(name);
    this.book.forget(name);
  }

  /** Takes what the supervisor that came after its own has written for it. */
  private read(): void {
    for (const [name, holding] of this.holdings) {
      const { keep, lent } = this.book.read(name);
      holding.limit(keep);
      if (lent === 0) continue;
      holding.find(lent);
      this.writeDown(name);
      // Not before: whoever reads it in between counts them twice, and never not at all.
      this.book.take(name, lent);
    }
  }

  private writeDown(name: string): void {
    const holding = this.holdings.get(name);
    this.book.hold(name, holding?.held ?? 0);
    if (this.isAlone) this.book.want(name, holding?.wanted ?? 0);
  }

  /** Gives back what has come too late. */
  private decline(word: SlotWord): void {
    const { name } = word;
    const [returned, obeys] = word.kind === "lent" ? [word.count, null] : [0, word.number];
    if (returned === 0 && obeys === null) return;
    this.add({ name, most: null, returned, wanted: 0, question: null, obeys });
  }
}
