import type { SlotNote, SlotWord } from "../ipc/slot-news.ts";
import { fairShares } from "./fair-shares.ts";

/** A word and the process that it is for. */
export interface AddressedWord {
  readonly to: number;
  readonly word: SlotWord;
}

interface Holder {
  readonly pid: number;
  /** What its plan says; null once it only finishes. */
  most: number | null;
  /** What it may have in use: what was lent to it, less what has come back. */
  held: number;
  wanted: number;
  /** When something was last lent to it: what cannot be parted evenly goes by turns. */
  turn: number;
  /** Whether it waits for an answer, and whom else that depends on. */
  asks: "not" | "now" | "waits";
  readonly awaited: Set<number>;
  /** The recall that those got on its behalf. */
  recall: number;
}

/** What processes have of a thing that nobody can ask: those of the program before this one. */
export interface SlotsBefore {
  /** How many they may have in use. */
  held(name: string): number;
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
  private limit = 0;
  /** How many of them there are for these processes. */
  private most = 0;
  private turns = 0;
  private recalls = 0;

  constructor(name: string, before: SlotsBefore) {
    this.name = name;
    this.before = before;
  }

  get isEmpty(): boolean {
    return this.holders.size === 0;
  }

  /** Takes what a process says, and gives what it and others are to be told. */
  heard(from: number, note: SlotNote): readonly AddressedWord[] {
    const { asks, most, obeys, returned, wanted } = note;
    const holder = this.holders.get(from) ?? newHolder(from);
    this.holders.set(from, holder);
    holder.most = most;
    holder.held = Math.max(0, holder.held - returned);
    const wantsMore = wanted > holder.wanted;
    holder.wanted = wanted;
    if (asks || (wantsMore && holder.asks === "waits" && holder.awaited.size === 0)) holder.asks = "now";
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

  private obeyed(pid: number, recall: number): void {
    for (const { awaited, recall: own } of this.holders.values()) if (own <= recall) awaited.delete(pid);
  }

  /** Whether somebody waits for an answer. */
  get isAwaited(): boolean {
    return this.holders.values().some(({ asks }) => asks === "waits");
  }

  /** Lends what there is by now, and gives what processes are to be told. */
  settle(): readonly AddressedWord[] {
    const words: AddressedWord[] = [];
    const limits = [...this.holders.values()].flatMap(({ most }) => (most === null ? [] : [most]));
    const last = this.most;
    // Where plans differ for a moment, none is overrun.
    if (limits.length > 0) this.limit = Math.min(...limits);
    const before = this.before.held(this.name);
    this.most = Math.max(0, this.limit - before);
    if (this.most < last) this.shrink(words);
    this.lend(words);
    for (const holder of this.holders.values()) if (holder.asks === "now") this.recallFor(holder, words);
    for (const holder of this.holders.values()) {
      if (holder.asks !== "waits" || holder.awaited.size > 0) continue;
      if (before > 0 && this.before.areYielding) continue;
      holder.asks = "not";
      words.push(this.lent(holder, 0, true));
    }
    return words;
  }

  /** Has everybody come down to an even share of a limit that was lowered. */
  private shrink(words: AddressedWord[]): void {
    const holders = this.byTurn();
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
    let free = this.most - holders.reduce((sum, { held }) => sum + held, 0);
    const shares = fairShares(this.most, holders);
    for (const [at, holder] of holders.entries()) {
      const count = Math.min(free, (shares[at] ?? 0) - holder.held);
      if (count <= 0) continue;
      free -= count;
      holder.held += count;
      holder.turn = ++this.turns;
      const isAnswer = holder.asks !== "not" && holder.held >= holder.wanted;
      if (isAnswer) holder.asks = "not";
      words.push(this.lent(holder, count, isAnswer));
    }
  }

  /** Asks the others for what somebody wants. */
  private recallFor(asker: Holder, words: AddressedWord[]): void {
    const short = Math.min(this.most, asker.wanted) - asker.held;
    asker.asks = "waits";
    asker.awaited.clear();
    asker.recall = ++this.recalls;
    if (short <= 0) return;
    const holders = this.byTurn();
    for (const [at, other] of holders.entries()) {
      if (other === asker || other.held === 0) continue;
      // What it wants by now only it knows: so this is what it may keep if it wants all it can get.
      const claims = holders.map((one) => (one === other ? { wanted: Number.POSITIVE_INFINITY } : one));
      const keep = fairShares(this.most, claims)[at] ?? 0;
      asker.awaited.add(other.pid);
      words.push(this.recall(other, asker.recall, short, keep));
    }
  }

  private byTurn(): readonly Holder[] {
    return [...this.holders.values()].toSorted((a, b) => a.turn - b.turn);
  }

  private lent({ pid }: Holder, count: number, isAnswer: boolean): AddressedWord {
    return { to: pid, word: { kind: "lent", name: this.name, count, isAnswer } };
  }

  private recall({ pid }: Holder, number: number, short: number, keep: number): AddressedWord {
    return { to: pid, word: { kind: "recall", name: this.name, number, short, keep } };
  }
}

function newHolder(pid: number): Holder {
  return { pid, most: null, held: 0, wanted: 0, turn: 0, asks: "not", awaited: new Set(), recall: 0 };
}
