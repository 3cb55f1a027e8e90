import { randomBytes } from "node:crypto";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { CountTable } from "../ipc/counts/count-table.ts";
import { type KeyMaker, keyMaker } from "../ipc/counts/key-maker.ts";
import {
  type CountKey,
  formatAt,
  headerWords,
  holdersAt,
  memoryBytes,
  memoryFormat,
  mostSeats,
  secretAt,
  seatsAt,
} from "../ipc/counts/layout.ts";
import { type CountMemory, mapMemory, mapped } from "../ipc/counts/memory.ts";
import { closeSharedMemory, createSharedMemory, takeOverSharedMemory } from "../kernel/shared-memory.ts";
import type { Succession } from "./succession.ts";

/**
 * Gives proxy processes their seats in the memory where they count together what is limited for all of them, and clears what
 * one has left that is gone.
 */
export class Seats {
  /** Of the memory, which a program that takes this one's place goes on with. */
  readonly descriptor: number;
  /** Gives what something is counted under. */
  readonly key: KeyMaker;
  readonly #memory: CountMemory;
  readonly #tables = new Map<number, CountTable>();

  private constructor(descriptor: number) {
    this.descriptor = descriptor;
    this.#memory = mapMemory(descriptor);
    this.key = keyMaker(this.#memory.header);
  }

  /** Makes new memory, in which nobody has a seat. */
  static create(): Seats {
    const descriptor = createSharedMemory(memoryBytes);
    const header = mapped(descriptor, 0, headerWords);
    const secret = randomBytes(8);
    header[secretAt] = secret.readInt32LE(0);
    header[secretAt + 1] = secret.readInt32LE(4);
    header[formatAt] = memoryFormat;
    return new Seats(descriptor);
  }

  /** Goes on with what the program before has left, in which only its processes still have seats; or makes new memory. */
  static goOnWith(left: Pick<Succession, "counts" | "leaving" | "proxies"> | null, log: Log): Seats {
    const descriptor = left?.counts ?? null;
    if (left === null || descriptor === null) return Seats.create();
    const living = new Set([process.pid, ...left.proxies, ...left.leaving]);
    try {
      takeOverSharedMemory(descriptor);
      const seats = new Seats(descriptor);
      for (const pid of seats.holders()) if (!living.has(pid)) seats.clear(pid);
      return seats;
    } catch (error) {
      log.warning(`limits do not count what the program before has open: ${errorText(error)}`);
      closeSharedMemory(descriptor);
      return Seats.create();
    }
  }

  /** Gives a process a seat, with nothing in it. */
  take(pid: number): void {
    const { header } = this.#memory;
    const used = header[seatsAt] ?? 0;
    const seat = header.subarray(holdersAt, holdersAt + mostSeats).indexOf(0);
    // Without one it refuses its configuration, and says why.
    if (seat < 0) return;
    if (seat < used) this.#memory.seat(seat).fill(0);
    Atomics.store(header, holdersAt + seat, pid);
    if (seat >= used) Atomics.store(header, seatsAt, seat + 1);
  }

  /** Takes back the seat of a process that is gone, and counts what it had open no more. */
  clear(pid: number): void {
    const { header } = this.#memory;
    const seat = this.#seatOf(pid);
    if (seat !== null) Atomics.store(header, holdersAt + seat, 0);
  }

  /** Gives who has a seat. */
  holders(): readonly number[] {
    return [...this.#memory.header.subarray(holdersAt, holdersAt + mostSeats)].filter((pid) => pid !== 0);
  }

  /** How much a process has under a key; 0 if it has no seat. */
  countOf(pid: number, key: CountKey): number {
    // What it has written before is read after this.
    Atomics.load(this.#memory.header, seatsAt);
    return this.#tableOf(pid)?.count(key) ?? 0;
  }

  /** Writes how much this very process has; false if it has no seat, or no room there for another name. */
  write(key: CountKey, count: number): boolean {
    return this.#tableOf(process.pid)?.set(key, count) ?? false;
  }

  /** Lets go of the memory. */
  close(): void {
    closeSharedMemory(this.descriptor);
  }

  #tableOf(pid: number): CountTable | null {
    const seat = this.#seatOf(pid);
    if (seat === null) return null;
    const table = this.#tables.get(seat) ?? new CountTable(this.#memory.seat(seat));
    this.#tables.set(seat, table);
    return table;
  }

  #seatOf(pid: number): number | null {
    const { header } = this.#memory;
    const seats = header[seatsAt] ?? 0;
    for (let seat = 0; seat < seats; seat++) if (header[holdersAt + seat] === pid) return seat;
    return null;
  }
}
