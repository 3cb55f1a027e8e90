import type { SlotNews, SlotWord } from "../../src/ipc/slot-news.ts";
import { SlotHolding } from "../../src/proxy/slots/slot-holding.ts";
import type { SlotClaim, SlotsBefore } from "../../src/supervisor/slot-ledger.ts";
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
      say: (note) => {
        if (this.isAlone) this.isWritten = false;
        else this.said.push({ from: this.pid, notes: [note] });
      },
      wake: () => undefined,
    });
    this.holding.serve(
      this,
      () => this.waiting,
      () => this.serve(),
    );
  }

  /** How often somebody has spoken to it. */
  addressed = 0;

  send({ words }: { readonly words: readonly SlotWord[] }): void {
    this.addressed += 1;
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

  /** Nobody hears it any more: it writes down what it has and wants, and reads what it is lent and may keep. */
  isAlone = false;
  private isWritten = false;
  readonly written: { held: number; wanted: number; taken: number } = { held: 0, wanted: 0, taken: 0 };
  readonly found: { lent: number; keep: number } = { lent: 0, keep: Number.POSITIVE_INFINITY };

  /** Another supervisor comes. */
  part(): void {
    this.isAlone = true;
    this.holding.part();
    this.isWritten = false;
    this.write();
  }

  /** Writes what it has said by now. */
  write(): void {
    if (this.isWritten) return;
    this.isWritten = true;
    this.written.held = this.holding.held;
    this.written.wanted = this.holding.wanted;
  }

  /** Reads what there is for it. */
  read(): void {
    this.holding.limit(this.found.keep);
    const count = this.found.lent - this.written.taken;
    if (count > 0) this.holding.find(count);
    this.isWritten = false;
    this.write();
    this.written.taken += count;
  }

  /** What it may use, or has been lent and has yet to hear of. */
  get lent(): number {
    const coming = this.found.lent - this.written.taken;
    return this.told.reduce(
      (sum, word) => sum + (word.kind === "lent" ? word.count : 0),
      this.holding.held + coming,
    );
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

  get areHere(): boolean {
    return this.before.length > 0;
  }

  claims(): readonly SlotClaim[] {
    return this.before
      .map(({ found, pid, written }) => ({
        pid,
        held: written.held + found.lent - written.taken,
        wanted: written.wanted,
      }))
      .filter(({ held, wanted }) => held + wanted > 0);
  }

  lend(pid: number, _name: string, count: number): boolean {
    const one = this.before.find((other) => other.pid === pid);
    if (one !== undefined) one.found.lent += count;
    return one !== undefined;
  }

  recall(pid: number, _name: string, keep: number): void {
    for (const { found } of this.before.filter((one) => one.pid === pid)) found.keep = keep;
  }

  /** What those of the programs before have. */
  get heldBefore(): number {
    return this.before.reduce((sum, { lent }) => sum + lent, 0);
  }

  /** Another program takes this one's place, with processes of its own; what was said last is heard by nobody. */
  succeed(count: number): void {
    this.office.pause();
    for (const one of this.all) {
      while (one.told.length > 0) this.tell(one);
      one.part();
    }
    const { limits } = this.office;
    this.before.push(...this.all);
    this.all = [];
    this.areYielding = true;
    for (const { found } of this.before) found.keep = Number.POSITIVE_INFINITY;
    this.office = new SlotOffice(this, limits);
    for (let index = 0; index < count; index++) this.start(count);
  }

  /** The processes of the program before are told to finish. */
  release(): void {
    for (const one of this.before) {
      one.holding.leave();
      one.write();
    }
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
    for (const one of this.before) {
      one.read();
      if (one.holding.isHungry) one.holding.again();
      one.write();
    }
    this.office.look();
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
