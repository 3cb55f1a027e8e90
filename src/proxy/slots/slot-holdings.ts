import type { SlotNews, SlotNote, SlotWord } from "../../ipc/slot-news.ts";
import { askAgainMs, SlotHolding, type SlotKeeper } from "./slot-holding.ts";

/** The slots that this process has of everything that is limited for all processes together. */
export class SlotHoldings implements SlotKeeper {
  private readonly tell: (news: SlotNews) => void;
  private readonly note: (name: string, held: number) => void;
  private readonly holdings = new Map<string, SlotHolding>();
  private notes: SlotNote[] = [];
  /** Whether nobody hears any more what this process asks for, as far as it knows. */
  private isAlone = false;
  /** Whether it has kept something for requests that may still come. */
  hasSpare: boolean = false;
  private timer: Timer | null = null;

  /** `note` writes down what this process may have in use, for a supervisor that comes after this one. */
  constructor(tell: (news: SlotNews) => void, note: (name: string, held: number) => void) {
    this.tell = tell;
    this.note = note;
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
    this.timer ??= setInterval(() => this.tick(), askAgainMs);
  }

  /** Takes what this process is told. */
  heard(words: readonly SlotWord[]): void {
    this.isAlone = false;
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
    let isHungry = false;
    for (const [name, holding] of this.holdings) {
      if (holding.isHungry) holding.again();
      if (holding.isOver) this.holdings.delete(name);
      isHungry ||= holding.isHungry;
    }
    if (isHungry || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  private writeDown(name: string): void {
    this.note(name, this.holdings.get(name)?.held ?? 0);
  }

  /** Gives back what has come too late. */
  private decline(word: SlotWord): void {
    const { name } = word;
    const [returned, obeys] = word.kind === "lent" ? [word.count, null] : [0, word.number];
    if (returned === 0 && obeys === null) return;
    this.add({ name, most: null, returned, wanted: 0, asks: false, obeys });
  }
}
