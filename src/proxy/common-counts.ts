import { CountTable } from "../ipc/counts/count-table.ts";
import { type KeyMaker, keyMaker } from "../ipc/counts/key-maker.ts";
import { type CountKey, holdersAt, seatsAt } from "../ipc/counts/layout.ts";
import { type CountMemory, ownMemory } from "../ipc/counts/memory.ts";

/** Whoever is in the way of another for the last place tries so often; it takes less than a microsecond. */
const mostTries = 4;

/**
 * How much all proxy processes have open together of what is limited, those that finish among them. Each writes what it has
 * into a table of its own in memory that they share, so that nobody has to be asked, and what a process had that is gone
 * goes with its table. Who takes a place writes that down first and adds up then: of any number that do so at a time the last one
 * sees all of them, so that there are never more than may be.
 */
export class CommonCounts {
  private memory: CountMemory;
  private own: CountTable;
  private seat = 0;
  private readonly others: CountTable[] = [];
  /** Gives what something is counted under. */
  key: KeyMaker;
  private isShared = false;

  constructor() {
    this.memory = ownMemory();
    this.own = new CountTable(this.memory.seat(0));
    this.key = keyMaker(this.memory.header);
  }

  /** Counts with others from now on: `pid` has a seat in the memory that is mapped. What has been counted before is let go of. */
  join(map: () => CountMemory, pid: number): void {
    if (this.isShared) return;
    const memory = map();
    const { header } = memory;
    const seat = header.indexOf(pid, holdersAt) - holdersAt;
    if (seat < 0) throw new Error(`process ${pid} has no seat among those that count connections`);
    this.memory = memory;
    this.seat = seat;
    this.own = new CountTable(memory.seat(seat));
    this.key = keyMaker(header);
    this.isShared = true;
  }

  /** How much all of them have open under a key. */
  count(key: CountKey): number {
    // What others have written before is read after this: plain reads do not pass it.
    const seats = Atomics.load(this.memory.header, seatsAt);
    let sum = this.own.count(key);
    for (let seat = 0; seat < seats; seat++)
      if (seat !== this.seat && this.memory.header[holdersAt + seat] !== 0)
        sum += this.table(seat).count(key);
    return sum;
  }

  /** How much another one of those who have a seat has under a key; 0 if it has none. */
  countOf(pid: number, key: CountKey): number {
    const { header } = this.memory;
    const seats = Atomics.load(header, seatsAt);
    for (let seat = 0; seat < seats; seat++)
      if (header[holdersAt + seat] === pid) return this.table(seat).count(key);
    return 0;
  }

  /** Takes a place if there are fewer than `most` taken; false if not. */
  enter(key: CountKey, most: number): boolean {
    for (let tries = 0; tries < mostTries; tries++) {
      const own = this.own.count(key);
      if (!this.own.set(key, own + 1)) return false;
      if (this.count(key) <= most) return true;
      this.own.set(key, own);
      // If there is a place after all, another one that tried for it was in the way.
      if (this.count(key) >= most) return false;
    }
    return false;
  }

  /** Gives a place back. */
  leave(key: CountKey): void {
    this.own.set(key, Math.max(0, this.own.count(key) - 1));
  }

  /** How much this process has under a key. */
  ownCount(key: CountKey): number {
    return this.own.count(key);
  }

  /** Writes down how much this process has, whatever others have. */
  set(key: CountKey, count: number): void {
    this.own.set(key, count);
  }

  private table(seat: number): CountTable {
    const known = this.others[seat];
    if (known !== undefined) return known;
    const table = new CountTable(this.memory.seat(seat));
    this.others[seat] = table;
    return table;
  }
}
