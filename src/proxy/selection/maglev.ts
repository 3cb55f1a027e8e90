import type { SchedulerFlag } from "../../config/service-plan.ts";
import { hashText } from "./hash.ts";
import { type Caller, clientText, isOpenTo, type RelayCandidate, type Scheduler } from "./scheduler.ts";

/** Primes. With a hundred places for each server their shares are right to a hundredth. */
const sizes = [4_093, 8_191, 16_381, 32_749, 65_521, 131_071, 262_139, 524_287];

/**
 * Maglev hashing (`mh`): clients are spread over a table of servers in which each has its share, and in which nearly
 * nothing but a server's own places changes hands when it goes or comes.
 */
export class Maglev<T extends RelayCandidate> implements Scheduler<T> {
  private readonly servers: readonly T[];
  private readonly flags: readonly SchedulerFlag[];
  /** The weights that the table was made for. */
  private readonly weights: Float64Array;
  private table: Int32Array;
  private readonly hasRoom: ((server: T) => boolean) | null;

  /** Where a server has too much, by `hasRoom`, clients go on to the next place as if it were full. */
  constructor(
    servers: readonly T[],
    flags: readonly SchedulerFlag[],
    hasRoom: ((server: T) => boolean) | null = null,
  ) {
    this.servers = servers;
    this.flags = flags;
    this.hasRoom = hasRoom;
    this.weights = new Float64Array(servers.length);
    this.table = new Int32Array(0);
  }

  next(caller: Caller, tried: readonly T[] | null): T | null {
    this.refresh();
    const { length } = this.table;
    if (length === 0) return null;
    const text = clientText(caller, this.flags);
    const step = (hashText(text, 1) % (length - 1)) + 1;
    let place = hashText(text) % length;
    // The size is prime, so that every step comes past every place.
    for (let turn = 0; turn < length; turn++) {
      const server = this.servers[this.table[place] ?? -1];
      if (server !== undefined && isOpenTo(server, tried)) {
        if (!server.isFull && this.hasRoom?.(server) !== false) return server;
        if (!this.flags.includes("fallback")) return null;
      }
      place = (place + step) % length;
    }
    return null;
  }

  private refresh(): void {
    const { servers, weights } = this;
    let isChanged = false;
    // For each connection or request, so no pairs are made.
    for (let index = 0; index < servers.length; index++) {
      const server = servers[index];
      const weight = server?.isUp === true ? server.weight : 0;
      if (weights[index] === weight) continue;
      weights[index] = weight;
      isChanged = true;
    }
    if (isChanged)
      this.table = maglevTable(servers.map(({ key }, index) => ({ key, weight: weights[index] ?? 0 })));
  }
}

/** Gives for each place of the table the index of its server; empty if no server has any weight. */
export function maglevTable(
  servers: readonly { readonly key: string; readonly weight: number }[],
): Int32Array {
  const heaviest = Math.max(0, ...servers.map(({ weight }) => weight));
  if (heaviest === 0) return new Int32Array(0);
  const size = sizes.find((prime) => prime >= servers.length * 100) ?? sizes.at(-1) ?? 4_093;
  const table = new Int32Array(size).fill(-1);
  // Each server wants the places in an order of its own, and takes the next free one whenever it is its turn.
  const wishes = servers.map(({ key, weight }, index) => ({
    index,
    place: hashText(key) % size,
    step: (hashText(key, 1) % (size - 1)) + 1,
    share: weight / heaviest,
    credit: 0,
  }));
  const takers = wishes.filter(({ share }) => share > 0);
  for (let taken = 0; taken < size;) {
    for (const wish of takers) {
      wish.credit += wish.share;
      if (wish.credit < 1) continue;
      wish.credit -= 1;
      while (table[wish.place] !== -1) wish.place = (wish.place + wish.step) % size;
      table[wish.place] = wish.index;
      taken += 1;
      if (taken === size) break;
    }
  }
  return table;
}
