import type { SlotNote, SlotWord } from "../ipc/slot-news.ts";
import { fairShares } from "./fair-shares.ts";

/** A word and the process that it is for. */
export interface AddressedWord {
  readonly to: number;
  readonly word: SlotWord;
}

interface Holder {
  readonly pid: number;
  /** Whether it is one of the program before, that there is no line to. */
  readonly isBefore: boolean;
  /** What its plan says; null once it only finishes. */
  most: number | null;
  /** What it may have in use: what was lent to it, less what has come back. */
  held: number;
  wanted: number;
  /** When something was last lent to it: what cannot be parted evenly goes by turns. */
  turn: number;
  /** Whether it waits for an answer, to which question, and whom else that depends on. */
  asks: "not" | "now" | "waits";
  question: number;
  readonly awaited: Set<number>;
  /** The recall that those got on its behalf. */
  recall: number;
}

/** What a process of the program before this one has of a thing. */
export interface SlotClaim {
  readonly pid: number;
  /** How many it may have in use, with what it was lent and has yet to find. */
  readonly held: number;
  /** How many it has a use for, if it says so. */
  readonly wanted: number;
}

/** The processes of the program before this one: there is no line to them, but both sides can write something down. */
export interface SlotsBefore {
  /** What those have that have anything, or want it. */
  claims(name: string): readonly SlotClaim[];
  /** Lends one of them so many more, for it to find; false if that cannot be written down. */
  lend(pid: number, name: string, count: number): boolean;
  /** Lets one of them keep so many at most as others come free. */
  recall(pid: number, name: string, keep: number): void;
  /** Whether any of them is there. */
  readonly areHere: boolean;
  /** Whether they are about to give back what they do not use, so that who asks waits for it. */
  readonly areYielding: boolean;
}

/**
 * Who holds the slots of one thing: they are lent to processes and come back from them, and there are never more of them
 * than the limit, but for those that are still out when it is lowered. A process that says nothing keeps what it has; what
 * one that is gone had is free. PURE.
 */
export class SlotLedger {
  private readonly name: string;
  private readonly before: SlotsBefore;
  private readonly holders = new Map<number, Holder>();
  /** How many there are, by the plan. */
  limit: number;
  /** How many of them there are for these processes. */
  private most = 0;
  private turns = 0;
  private recalls = 0;
  /** The processes of the program before that were told to keep no more than so many. */
  private readonly recalled = new Set<number>();

  /** `limit` is what the program before has known it by. */
  constructor(name: string, before: SlotsBefore, limit = 0) {
    this.name = name;
    this.before = before;
    this.limit = limit;
  }

  get isEmpty(): boolean {
    return this.holders.size === 0 && !this.before.areHere;
  }

  /** Takes what a process says, and gives what it and others are to be told. */
  heard(from: number, note: SlotNote): readonly AddressedWord[] {
    const { most, obeys, question, returned, wanted } = note;
    const holder = this.holders.get(from) ?? newHolder(from, false);
    this.holders.set(from, holder);
    holder.most = most;
    holder.held = Math.max(0, holder.held - returned);
    holder.wanted = wanted;
    if (question !== null) {
      holder.asks = "now";
      holder.question = question;
    }
    if (obeys !== null) this.obeyed(from, obeys);
    if (most === null && holder.held === 0 && wanted === 0) this.holders.delete(from);
    return this.settle();
  }

  /** Forgets a process that is gone. */
  left(pid: number): readonly AddressedWord[] {
    if (!this.holders.delete(pid)) return [];
    this.obeyed(pid, Number.POSITIVE_INFINITY);
    return this.settle();
  }

  /** Looks what the processes of the program before have and want by now, and gives what others are to be told. */
  look(): readonly AddressedWord[] {
    this.takeClaims();
    for (const holder of this.holders.values())
      if (holder.isBefore && holder.wanted > holder.held) holder.asks = "now";
    return this.settleClaims();
  }

  private obeyed(pid: number, recall: number): void {
    for (const { awaited, recall: own } of this.holders.values()) if (own <= recall) awaited.delete(pid);
  }

  private takeClaims(): void {
    const claims = this.before.claims(this.name);
    const pids = new Set(claims.map(({ pid }) => pid));
    for (const { isBefore, pid } of this.holders.values())
      if (isBefore && !pids.has(pid)) this.holders.delete(pid);
    for (const { held, pid, wanted } of claims) {
      const holder = this.holders.get(pid) ?? newHolder(pid, true);
      this.holders.set(pid, holder);
      holder.held = held;
      // Until it gives them back nobody else can have them.
      holder.wanted = Math.max(held, wanted);
    }
  }

  /** Lends what there is by now, and gives what processes are to be told. */
  private settle(): readonly AddressedWord[] {
    this.takeClaims();
    return this.settleClaims();
  }

  private settleClaims(): readonly AddressedWord[] {
    const words: AddressedWord[] = [];
    const limits = [...this.holders.values()].flatMap(({ most }) => (most === null ? [] : [most]));
    const last = this.limit;
    // Where plans differ for a moment, none is overrun.
    if (limits.length > 0) this.limit = Math.min(...limits);
    const before = sumHeld(this.holders.values().filter(({ isBefore }) => isBefore));
    this.most = Math.max(0, this.limit - before);
    if (this.limit < last) this.shrink(words);
    this.lend(words);
    for (const holder of this.holders.values()) if (holder.asks === "now") this.recallFor(holder, words);
    for (const holder of this.holders.values()) {
      if (holder.asks !== "waits" || holder.awaited.size > 0) continue;
      if (before > 0 && this.before.areYielding) continue;
      if (this.hasIdle(holder)) {
        this.recallFor(holder, words);
        continue;
      }
      holder.asks = "not";
      words.push(this.lent(holder, 0, true));
    }
    this.letKeep();
    return words;
  }

  /** Has everybody come down to an even share of a limit that was lowered. */
  private shrink(words: AddressedWord[]): void {
    const holders = this.byTurn().filter(({ isBefore }) => !isBefore);
    const claims = holders.map(() => ({ wanted: Number.POSITIVE_INFINITY }));
    const shares = fairShares(this.most, claims);
    this.recalls += 1;
    for (const [at, holder] of holders.entries()) {
      const keep = shares[at] ?? 0;
      if (holder.held > keep) words.push(this.recall(holder, this.recalls, 0, keep));
    }
  }

  /** Lends what is free to those who want it. */
  private lend(words: AddressedWord[]): void {
    const holders = this.byTurn();
    let free = this.limit - sumHeld(this.holders.values());
    const shares = this.shares(holders);
    for (const [at, holder] of holders.entries()) {
      const count = Math.min(free, (shares[at] ?? 0) - holder.held);
      if (count <= 0) continue;
      if (holder.isBefore && !this.before.lend(holder.pid, this.name, count)) continue;
      free -= count;
      holder.held += count;
      holder.turn = ++this.turns;
      const isAnswer = holder.asks !== "not" && holder.held >= holder.wanted;
      if (isAnswer) holder.asks = "not";
      if (!holder.isBefore) words.push(this.lent(holder, count, isAnswer));
    }
  }

  /** Asks the others for what somebody wants. */
  private recallFor(asker: Holder, words: AddressedWord[]): void {
    const short = Math.min(asker.isBefore ? this.limit : this.most, asker.wanted) - asker.held;
    // Who reads what is written is told nothing beside.
    asker.asks = asker.isBefore ? "not" : "waits";
    asker.awaited.clear();
    asker.recall = ++this.recalls;
    const holders = this.byTurn();
    for (const [at, other] of holders.entries()) {
      if (other === asker || other.held === 0) continue;
      // What it wants by now only it knows: so this is what it may keep if it wants all it can get.
      const claims = holders.map((one) => ({
        isBefore: one.isBefore,
        wanted: one === other ? Number.POSITIVE_INFINITY : one.wanted,
      }));
      const keep = this.shares(claims)[at] ?? 0;
      if (other.isBefore) {
        this.recalled.add(other.pid);
        this.before.recall(other.pid, this.name, keep);
      } else if (short > 0) {
        if (!asker.isBefore) asker.awaited.add(other.pid);
        words.push(this.recall(other, asker.recall, short, keep));
      }
    }
  }

  /** Whether another one has said, since it was asked last, that it does not use all of its own. */
  private hasIdle(asker: Holder): boolean {
    return (
      asker.wanted > asker.held &&
      this.holders.values().some((other) => other !== asker && !other.isBefore && other.held > other.wanted)
    );
  }

  /** Nobody wants more than there is any more. */
  private letKeep(): void {
    if (this.recalled.size === 0 || this.holders.values().some(({ held, wanted }) => wanted > held)) return;
    for (const pid of this.recalled) this.before.recall(pid, this.name, Number.POSITIVE_INFINITY);
    this.recalled.clear();
  }

  /**
   * What each of them should have: an even share of all there are, and of what those of the program before do not have, which give theirs
   * back in their own time.
   */
  private shares(holders: readonly Pick<Holder, "isBefore" | "wanted">[]): readonly number[] {
    const shares = fairShares(this.limit, holders);
    const now = fairShares(
      this.most,
      holders.map(({ isBefore, wanted }) => ({ wanted: isBefore ? 0 : wanted })),
    );
    return holders.map(({ isBefore }, at) =>
      isBefore ? (shares[at] ?? 0) : Math.min(shares[at] ?? 0, now[at] ?? 0),
    );
  }

  private byTurn(): readonly Holder[] {
    return [...this.holders.values()].toSorted((a, b) => a.turn - b.turn);
  }

  private lent({ pid, question }: Holder, count: number, isAnswer: boolean): AddressedWord {
    const answers = isAnswer ? question : null;
    return { to: pid, word: { kind: "lent", name: this.name, count, answers } };
  }

  private recall({ pid }: Holder, number: number, short: number, keep: number): AddressedWord {
    return { to: pid, word: { kind: "recall", name: this.name, number, short, keep } };
  }
}

function sumHeld(holders: IteratorObject<Holder>): number {
  return holders.reduce((sum, { held }) => sum + held, 0);
}

function newHolder(pid: number, isBefore: boolean): Holder {
  return {
    pid,
    isBefore,
    most: null,
    held: 0,
    wanted: 0,
    turn: 0,
    asks: "not",
    question: 0,
    awaited: new Set(),
    recall: 0,
  };
}
