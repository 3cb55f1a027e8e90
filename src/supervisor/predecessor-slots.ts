import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { CountKey } from "../ipc/counts/layout.ts";
import { type SlotKeys, slotKeys } from "../ipc/counts/slot-keys.ts";
import type { Seats } from "./seats.ts";
import type { SlotClaim, SlotsBefore } from "./slot-ledger.ts";
import type { Succession } from "./succession.ts";

/** Processes that are told to finish give back by then what they do not use: their idle clients have been sent away. */
const yieldMs = 1_500;
const lookEveryMs = 20;
/** Where nothing happens any more, as with WebSockets that have hours. */
const lookSeldomMs = 200;
const quietAfterMs = 1_000;

/**
 * The slots of the processes whose program this one has taken the place of. There is no line to them: they write down what they have and
 * what they want, and read what they are lent and may keep.
 */
export class PredecessorSlots implements SlotsBefore {
  readonly #seats: Seats;
  readonly #clock: Clock;
  /** Where each of them and this process write. */
  readonly #pages = new Map<number, Map<string, SlotKeys>>();
  #yieldUntil = Number.POSITIVE_INFINITY;
  #busyUntil = 0;
  #cancelLook: () => void = () => undefined;

  constructor(seats: Seats, clock: Clock, left: Pick<Succession, "proxies" | "leaving"> | null) {
    this.#seats = seats;
    this.#clock = clock;
    for (const pid of left === null ? [] : [...left.proxies, ...left.leaving])
      this.#pages.set(pid, new Map());
    if (this.areHere && !seats.holders().includes(process.pid)) seats.take(process.pid);
  }

  get areHere(): boolean {
    return this.#pages.size > 0;
  }

  get areYielding(): boolean {
    return this.areHere && this.#clock.now() < this.#yieldUntil;
  }

  /** Has `look` called as long as any of them is there, and often as long as there is a use for that. */
  watch(look: () => void): void {
    look();
    if (!this.areHere) return;
    const isQuiet = !this.areYielding && this.#clock.now() >= this.#busyUntil;
    const at = later(this.#clock.now(), isQuiet ? lookSeldomMs : lookEveryMs);
    this.#cancelLook = this.#clock.schedule(at, () => this.watch(look));
  }

  claims(name: string): readonly SlotClaim[] {
    const claims: SlotClaim[] = [];
    for (const [pid, pages] of this.#pages) {
      const claim = this.#claim(pid, this.#page(pages, pid, name));
      if (claim.held + claim.wanted > 0) claims.push(claim);
      if (claim.wanted > claim.held) this.#busyUntil = later(this.#clock.now(), quietAfterMs);
    }
    return claims;
  }

  lend(pid: number, name: string, count: number): boolean {
    const pages = this.#pages.get(pid);
    if (pages === undefined) return false;
    const { lent, taken } = this.#page(pages, pid, name);
    // Where what was lent before has been forgotten by this side only, it begins where the other one has come to.
    const last = Math.max(this.#own(lent), this.#seats.countOf(pid, taken));
    return this.#seats.write(lent, last + count);
  }

  recall(pid: number, name: string, keep: number): void {
    const pages = this.#pages.get(pid);
    if (pages === undefined) return;
    const { kept } = this.#page(pages, pid, name);
    this.#seats.write(kept, Number.isFinite(keep) ? keep + 1 : 0);
  }

  /** Forgets a process that is gone: its number may be that of another one from now on. */
  gone(pid: number): void {
    for (const { kept, lent } of this.#pages.get(pid)?.values() ?? [])
      for (const key of [kept, lent]) this.#seats.write(key, 0);
    if (this.#pages.delete(pid) && !this.areHere) this.#seats.clear(process.pid);
  }

  /** Looks no more. */
  close(): void {
    this.#cancelLook();
  }

  /** They have been told to finish. */
  released(): void {
    this.#yieldUntil = later(this.#clock.now(), yieldMs);
  }

  #claim(pid: number, { held, lent, taken, wanted }: SlotKeys): SlotClaim {
    // In this order: what it takes meanwhile is counted twice, and never not at all.
    const outstanding = this.#own(lent) - this.#seats.countOf(pid, taken);
    return {
      pid,
      held: Math.max(0, outstanding) + this.#seats.countOf(pid, held),
      wanted: this.#seats.countOf(pid, wanted),
    };
  }

  #own(key: CountKey): number {
    return this.#seats.countOf(process.pid, key);
  }

  #page(pages: Map<string, SlotKeys>, pid: number, name: string): SlotKeys {
    const known = pages.get(name);
    if (known !== undefined) return known;
    const page = slotKeys(this.#seats.key, name, pid);
    pages.set(name, page);
    // What a supervisor before this one has asked back it asks back no more.
    this.#seats.write(page.kept, 0);
    return page;
  }
}
