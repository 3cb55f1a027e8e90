import type { StreamCalls } from "../../native/index.ts";
import type { Room } from "../sockets.ts";
import { shortCountWord, writeCountWord } from "./layout.ts";

/** What is longer goes out at once: a call costs less than copying it. */
export const longestGathered = 4096;
/** More would keep servers and clients waiting for work: 16 is no better, 32 is worse. */
const most = 8;
const rowWords = 4;

/** Whose bytes are gathered. */
export interface Gathering {
  readonly place: number;
  readonly generation: number;
  /** The gathering that last had bytes of it. */
  gathering: number;
  /** Gets back what the socket had no room for. */
  fellShort(rest: Buffer): void;
  /** Hears that so many bytes go nowhere, for it is lost. */
  cameToNothing(length: number): void;
}

/**
 * Short writes of one turn and up to the next, which go out in one call, the last of them with that of the next turn: that costs less than
 * one for each, and who they go to is woken once for several.
 * Whoever writes takes them for written; what a socket had no room for comes back to its stream.
 */
export class GatheredWrites {
  /** Lent to the addon. */
  readonly rows: Int32Array = new Int32Array(new ArrayBuffer(4 * most * rowWords));
  readonly memory: Buffer = Buffer.allocUnsafeSlow(most * longestGathered);
  private readonly calls: StreamCalls;
  private readonly table: Int32Array;
  private readonly owners: (Gathering | null)[] = Array.from({ length: most }, () => null);
  private readonly free: Room = { bytes: this.memory, start: 0 };
  private count = 0;
  private used = 0;
  /** Names what is gathered now; no stream has had bytes in it yet. */
  private current = 1;

  /** Those of streams with this table. */
  constructor(calls: StreamCalls, table: Int32Array) {
    this.calls = calls;
    this.table = table;
  }

  /** Whether bytes of a stream have yet to go out. */
  has(owner: Gathering): boolean {
    return owner.gathering === this.current;
  }

  /** Where `longestGathered` bytes can be put that are to be added next: then they are not copied. Valid until anything is added. */
  room(): Room {
    if (this.used + longestGathered > this.memory.length) this.send();
    this.free.start = this.used;
    return this.free;
  }

  /** Takes bytes, `longestGathered` at most: a copy, unless they stand in the room that was given last. */
  add(owner: Gathering, bytes: Buffer, offset: number, length: number): void {
    if (this.used + length > this.memory.length) this.send();
    const { count, owners, rows, used } = this;
    if (bytes !== this.memory || offset !== used) bytes.copy(this.memory, used, offset, offset + length);
    this.used = used + length;
    if (count > 0 && owners[count - 1] === owner) {
      const lengthAt = count * rowWords - 1;
      rows[lengthAt] = (rows[lengthAt] ?? 0) + length;
      return;
    }
    const at = count * rowWords;
    rows[at] = owner.place;
    rows[at + 1] = owner.generation;
    rows[at + 2] = used;
    rows[at + 3] = length;
    owner.gathering = this.current;
    owners[count] = owner;
    this.count = count + 1;
    if (this.count === most) this.send();
  }

  /** Writes all of them. */
  send(): void {
    if (this.count === 0) return;
    this.hand();
    try {
      this.calls.writeStreams();
    } finally {
      this.handed();
    }
  }

  /** Has the call that follows write all of them: `handed` comes behind it, whatever comes of it. */
  hand(): void {
    this.table[writeCountWord] = this.count;
  }

  /** Begins anew, and gives back what was not taken whole. */
  handed(): void {
    const { count, table, used } = this;
    if (count === 0) return;
    this.count = 0;
    this.used = 0;
    this.current += 1;
    if (table[shortCountWord] === 0) return;
    table[shortCountWord] = 0;
    this.giveBack(count, used);
  }

  private giveBack(count: number, used: number): void {
    const { memory, owners, rows } = this;
    for (let index = 0, at = 0; index < count; index++, at += rowWords) {
      const taken = rows[at + 3] ?? 0;
      // Each begins where the one before it ends; its length is what was taken now.
      const end = index + 1 < count ? (rows[at + rowWords + 2] ?? 0) : used;
      const from = rows[at + 2] ?? 0;
      // Of one that is lost its owner hears by the next turn.
      if (taken < 0) owners[index]?.cameToNothing(end - from);
      else if (from + taken < end) owners[index]?.fellShort(Buffer.from(memory.subarray(from + taken, end)));
    }
  }
}
