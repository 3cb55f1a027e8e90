import type { SlotNote, SlotWord } from "../../ipc/slot-news.ts";

/** So long at most is an answer waited for; whoever should give it may hang. */
export const patienceMs = 1_000;
/** Nobody is asked again before: all processes would do nothing else. */
export const askAgainMs = 20;

/** Something that uses slots. */
export interface SlotUser {
  readonly inUse: number;
}

/** What a holding tells whoever made it, who may have forgotten it when it was over. */
export interface SlotKeeper {
  say(note: SlotNote, speaker: SlotHolding): void;
  /** Has `again` called soon, if the holding is hungry then. */
  wake(speaker: SlotHolding): void;
  /** Milliseconds of the monotonic clock. */
  now(): number;
}

/**
 * The slots that this process has been lent of one thing. It never has more in use, asks for more when somebody waits, and
 * gives back what others want more. PURE.
 */
export class SlotHolding {
  readonly name: string;
  private readonly keeper: SlotKeeper;
  private users: SlotUser[] = [];
  private waiting: () => number = () => 0;
  private onWord: () => void = () => undefined;
  private most = 0;
  /** Whether it only finishes what is open, and how much it keeps for what may still come. */
  private isLeaving = false;
  private spare = 0;
  /** What was lent to this process, less what it has given back. */
  held = 0;
  /** What it has last said it has a use for. */
  wanted = 0;
  private keep = Number.POSITIVE_INFINITY;
  private askedAt: number | null = null;
  /** The last question, and the least that it has said since that it has a use for. */
  private question = 0;
  private asked = 0;
  /** Whether the answer will be of no use any more. */
  private isVoid = false;
  private quietUntil = 0;
  /** Whether somebody has come to wait when nobody could be asked. */
  private isDue = false;

  constructor(name: string, keeper: SlotKeeper) {
    this.name = name;
    this.keeper = keeper;
  }

  /** Sets who uses the slots, how many wait for one beside, and what is done when that may go on, or is in vain. */
  serve(user: SlotUser, waiting: () => number, onWord: () => void): void {
    this.users = [...this.users.filter((one) => one !== user && one.inUse > 0), user];
    this.waiting = waiting;
    this.onWord = onWord;
  }

  /** Takes a plan: how many slots all processes have together, and how many this one begins with. */
  configure(most: number, share: number): void {
    const isNew = this.isLeaving || most !== this.most;
    this.isLeaving = false;
    this.most = most;
    if (isNew) this.speak(Math.max(this.needed, Math.min(share, most)));
  }

  /** Takes no more than what is waited for, and gives back all the rest but `spare`, as it comes free. */
  leave(spare = 0): void {
    if (this.isLeaving && spare >= this.spare) return;
    this.isLeaving = true;
    this.spare = spare;
    this.say({ returned: this.surplus(), obeys: null, question: null });
  }

  get inUse(): number {
    if (this.users.length === 1) return this.users[0]?.inUse ?? 0;
    return this.users.reduce((sum, { inUse }) => sum + inUse, 0);
  }

  /** How many may be in use; what is in use already may be more, if the limit was lowered or others want their share. */
  get allowed(): number {
    return Math.min(this.held, this.keep, this.most);
  }

  get isFull(): boolean {
    return this.inUse >= this.allowed;
  }

  /** Whether others think that it has a use for more, or should. */
  get isHungry(): boolean {
    return this.isDue || this.wanted > this.held;
  }

  /** Whether it is not known yet if there is more to be had. */
  get isAsking(): boolean {
    return this.askedAt !== null && this.keeper.now() - this.askedAt < patienceMs;
  }

  /** Whether nothing is left of it. */
  get isOver(): boolean {
    return this.isLeaving && this.held === 0 && this.needed === 0;
  }

  /** Asks for as many as are needed, if that may be of use. */
  ask(more = 0): void {
    if (this.held >= this.most) return;
    if (!this.isAsking && this.keeper.now() >= this.quietUntil) return this.speak(this.needed + more);
    this.isDue = true;
    this.keeper.wake(this);
  }

  /** Gives back half of what it has no use for, for others to begin with. */
  part(): void {
    const returned = Math.floor((this.held - this.needed) / 2);
    if (returned > 0) this.say({ returned, question: null, obeys: null });
  }

  /** It may keep so many: gives back the others as they come free. */
  limit(keep: number): void {
    this.keep = keep;
    this.roomMade();
  }

  /** Less is in use, or fewer wait: gives back what is not its own any more. */
  roomMade(): void {
    if (this.held <= this.keep && !this.isLeaving) return;
    const returned = this.surplus();
    if (returned > 0) this.say({ returned, question: null, obeys: null });
  }

  /** Takes up again what has not been got. */
  again(): void {
    this.isDue = false;
    if (this.isAsking && this.needed > this.held && (this.isVoid || this.needed > this.wanted))
      this.speak(this.needed);
    else if (this.needed > this.held) this.ask();
    else this.say({ returned: this.surplus(), question: null, obeys: null });
  }

  /** Takes what it is told. */
  heard(word: SlotWord): void {
    if (word.kind === "recall") return this.obey(word);
    this.held += word.count;
    if (word.count > 0) {
      this.keep = Number.POSITIVE_INFINITY;
      this.quietUntil = 0;
    }
    // What answers an older question is not the last word.
    if (word.answers === this.question && !this.isVoid) {
      this.askedAt = null;
      if (this.needed <= this.held) this.quietUntil = 0;
      else if (this.held < this.asked) this.quietUntil = this.keeper.now() + askAgainMs;
      else this.ask();
    }
    this.onWord();
    this.roomMade();
  }

  /** Takes what it finds lent to it where nobody says whether more will follow. */
  find(count: number): void {
    const answers = this.held + count >= this.asked ? this.question : null;
    this.heard({ kind: "lent", name: this.name, count, answers });
  }

  private obey({ keep, number, short }: SlotWord & { readonly kind: "recall" }): void {
    this.keep = keep;
    const idle = Math.max(0, this.held - this.needed);
    const returned = Math.max(this.surplus(), Math.min(short, idle));
    this.say({ returned, question: null, obeys: number });
  }

  /** What it has and may not keep, as far as that is not in use. */
  private surplus(): number {
    const kept = this.isLeaving ? Math.min(Math.max(this.needed, this.spare), this.keep) : this.keep;
    return Math.max(0, this.held - Math.max(kept, this.inUse));
  }

  private get needed(): number {
    return this.inUse + this.waiting();
  }

  private speak(wanted: number): void {
    const asks = wanted > this.held;
    this.question += 1;
    this.isVoid = false;
    this.asked = wanted;
    if (asks) this.askedAt = this.keeper.now();
    this.say({ returned: this.surplus(), question: asks ? this.question : null, obeys: null, wanted });
  }

  private say({ obeys, question, returned, wanted = this.needed }: Saying): void {
    this.held -= returned;
    this.wanted = wanted;
    // Whoever hears this lends no more than that, and says that it was all.
    this.asked = Math.min(this.asked, wanted);
    // Who gives some back while it waits for others has to ask anew, though not before the next tick.
    if (returned > 0 && question === null && wanted > this.held) this.isVoid = true;
    const { name } = this;
    this.keeper.say(
      { name, most: this.isLeaving ? null : this.most, wanted, returned, question, obeys },
      this,
    );
  }
}

/** Something to say; `wanted` is what is needed, if nothing else is said. */
type Saying = Pick<SlotNote, "returned" | "question" | "obeys"> & { readonly wanted?: number };
