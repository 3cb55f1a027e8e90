import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { InheritedSocket } from "./inherited-sockets.ts";
import type { SocketSet } from "./sockets.ts";

/** What the service manager does with descriptors, after sd_notify(3); each tells whether it was heard. */
export interface DescriptorKeeper {
  store(name: string, descriptor: number): boolean;
  discard(name: string): boolean;
}

/** What a store is made with. */
export interface SocketStoreOptions {
  readonly manager: DescriptorKeeper;
  readonly clock: Clock;
  readonly log: Log;
  /** What was passed on at the start. */
  readonly inherited: readonly InheritedSocket[];
}

/** As many as `FileDescriptorStoreMax=` of the unit allows. Their names must find room in one variable of 128 KiB, too. */
export const mostStored = 4_096;

/** While the manager has no room for another word it is told again, the longest wait being for one that is gone. */
const shortestPauseMs = 20;
const longestPauseMs = 10_000;

/**
 * Has the service manager keep a copy of every listening socket, so that whoever comes after a restart or a crash goes on
 * with them: connections wait in their queues meanwhile.
 */
export class SocketStore {
  readonly #options: SocketStoreOptions;
  /** What the manager has, by its name. */
  readonly #stored = new Map<string, number>();
  /** Names of what it has and is to throw away: their descriptors are closed, and may be other sockets by now. */
  readonly #unwanted = new Set<string>();
  #wanted: ReadonlyMap<number, string> = new Map();
  #serial = 0;
  #pauseMs = shortestPauseMs;
  #cancelRetry: () => void = () => undefined;

  constructor(options: SocketStoreOptions) {
    this.#options = options;
    for (const { descriptor, storedAs } of options.inherited) {
      if (storedAs === null) continue;
      this.#stored.set(storedAs, descriptor);
      this.#serial = Math.max(this.#serial, Number(/\.(\d+)$/.exec(storedAs)?.[1] ?? -1) + 1);
    }
  }

  /** Has the manager keep exactly these. */
  keep(sets: readonly SocketSet[]): void {
    const wanted = new Map(sets.flatMap((set) => [...set].map(([name, fd]): [number, string] => [fd, name])));
    if (wanted.size > mostStored) {
      const { log } = this.#options;
      log.warning(
        `a restart of the service closes ${wanted.size - mostStored} of ${wanted.size} listening sockets: the service manager keeps ${mostStored}`,
      );
    }
    this.#wanted = new Map([...wanted].slice(0, mostStored));
    for (const [name, descriptor] of this.#stored) {
      if (this.#wanted.has(descriptor)) continue;
      this.#stored.delete(name);
      this.#unwanted.add(name);
    }
    this.#settle();
  }

  /** What the manager keeps a descriptor as, or null. */
  nameOf(descriptor: number): string | null {
    for (const [name, stored] of this.#stored) if (stored === descriptor) return name;
    return null;
  }

  /** Leaves with the manager what it has. */
  close(): void {
    this.#cancelRetry();
  }

  #settle(): void {
    this.#cancelRetry();
    if (this.#discardUnwanted() && this.#storeWanted()) {
      this.#pauseMs = shortestPauseMs;
      return;
    }
    const { clock } = this.#options;
    this.#cancelRetry = clock.schedule(later(clock.now(), this.#pauseMs), () => this.#settle());
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  #discardUnwanted(): boolean {
    for (const name of this.#unwanted) {
      if (!this.#options.manager.discard(name)) return false;
      this.#unwanted.delete(name);
    }
    return true;
  }

  #storeWanted(): boolean {
    const has = new Set(this.#stored.values());
    for (const [descriptor, socket] of this.#wanted) {
      if (has.has(descriptor)) continue;
      const name = storedName(socket, this.#serial);
      if (!this.#options.manager.store(name, descriptor)) return false;
      this.#stored.set(name, descriptor);
      this.#serial += 1;
    }
    return true;
  }
}

/** Short, and without the colons of an address: they part the names in LISTEN_FDNAMES. */
function storedName(socket: string, serial: number): string {
  const protocol = socket.startsWith("udp ") ? "udp" : "tcp";
  return `${protocol}${socket.slice(socket.lastIndexOf(":") + 1)}.${serial}`;
}
