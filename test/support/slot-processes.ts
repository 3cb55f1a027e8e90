import type { SlotNews, SlotWord } from "../../src/ipc/slot-news.ts";
import { SlotHolding } from "../../src/proxy/slots/slot-holding.ts";
import type { SlotsBefore } from "../../src/supervisor/slot-ledger.ts";
import { SlotOffice, type SlotTaker } from "../../src/supervisor/slot-office.ts";

let pids = 0;

/** A process that uses slots of one thing; what it says and hears is on its way until it is delivered. */
export class SlotProcess implements SlotTaker {
  pid: number = ++pids;
  inUse = 0;
  waiting = 0;
  readonly said: SlotNews[] = [];
  readonly told: SlotWord[] = [];
  readonly holding: SlotHolding;

  constructor(now: () => number, name = "thing") {
    this.holding = new SlotHolding(name, {
      now,
      say: (note) => this.isAlone || this.said.push({ from: this.pid, notes: [note] }),
      wake: () => undefined,
    });
    this.holding.serve(
      this,
      () => this.waiting,
      () => this.serve(),
    );
  }

  send({ words }: { readonly words: readonly SlotWord[] }): void {
    this.told.push(...words);
  }

  /** A request comes. */
  begin(): void {
    if (this.waiting === 0 && !this.holding.isFull) {
      this.inUse += 1;
      return;
    }
    this.holding.ask(1);
    this.waiting += 1;
  }

  /** A request is over. */
  end(): void {
    if (this.inUse === 0) return;
    this.inUse -= 1;
    this.holding.roomMade();
    this.serve();
  }

  serve(): void {
    while (this.waiting > 0 && !this.holding.isFull) {
      this.waiting -= 1;
      this.inUse += 1;
    }
  }

  /** Nobody hears it any more. */
  isAlone = false;

  /** What it may use, or has been lent and has yet to hear of. */
  get lent(): number {
    return this.told.reduce((sum, word) => sum + (word.kind === "lent" ? word.count : 0), this.holding.held);
  }
}

/** Processes that share one thing. */
export class SlotProcesses implements SlotsBefore {
  now = 0;
  most: number;
  office: SlotOffice = new SlotOffice(this);
  all: SlotProcess[] = [];
  /** Those of the programs before, which finish. */
  before: SlotProcess[] = [];
  areYielding = false;

  constructor(most: number, count: number) {
    this.most = most;
    for (let index = 0; index < count; index++) this.start(count);
  }

  start(count: number): void {
    const one = new SlotProcess(() => this.now);
    this.all.push(one);
    one.holding.configure(this.most, Math.floor(this.most / count));
  }

  /** Kills one; what it has said last may still be heard. */
  kill(one: SlotProcess): void {
    this.all = this.all.filter((other) => other !== one);
    this.office.forget(one);
    const late = [...one.said];
    one.pid = 0;
    for (const news of late) this.office.heard(one, news);
  }

  held(): number {
    return this.before.reduce((sum, { holding }) => sum + holding.held, 0);
  }

  /** Another program takes this one's place, with processes of its own; what was said last is heard by nobody. */
  succeed(count: number): void {
    this.office.pause();
    for (const one of this.all) {
      while (one.told.length > 0) this.tell(one);
      one.holding.part();
      one.isAlone = true;
    }
    this.before.push(...this.all);
    this.all = [];
    this.areYielding = true;
    this.office = new SlotOffice(this);
    for (let index = 0; index < count; index++) this.start(count);
  }

  /** The processes of the program before are told to finish. */
  release(): void {
    for (const { holding } of this.before) holding.leave();
    this.areYielding = false;
    this.office.look();
  }

  /** Takes another limit in all of them. */
  limit(most: number): void {
    this.most = most;
    for (const { holding } of this.all) holding.configure(most, Math.floor(most / this.all.length));
  }

  hear(one: SlotProcess): void {
    const news = one.said.shift();
    if (news !== undefined) this.office.heard(one, news);
  }

  tell(one: SlotProcess): void {
    const word = one.told.shift();
    if (word !== undefined) one.holding.heard(word);
  }

  tick(): void {
    this.now += 25;
    for (const { holding } of this.all) if (holding.isHungry) holding.again();
  }

  /** Delivers everything, and all that is said to that. */
  deliver(): void {
    while (this.all.some(({ said, told }) => said.length + told.length > 0))
      for (const one of this.all) {
        this.hear(one);
        this.tell(one);
      }
  }

  get inUse(): number {
    return [...this.all, ...this.before].reduce((sum, one) => sum + one.inUse, 0);
  }

  get lent(): number {
    return [...this.all, ...this.before].reduce((sum, one) => sum + one.lent, 0);
  }
}
