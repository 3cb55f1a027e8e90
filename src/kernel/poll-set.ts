import * as native from "../native/index.ts";
import { EPOLLET, EPOLL_CTL_ADD } from "./socket-constants.ts";

/** Told the events of a descriptor, as `epoll` has them. */
export type PollCallback = (events: number) => void;

const eventsPerRead = 256;

/**
 * Many sockets that are waited for together: each is registered once, edge-triggered, and however many have news cost
 * one wake-up of the process. A thread of the runtime's own for each, or one wake-up for each, costs more than the
 * sockets themselves (docs/decisions/checks-on-raw-sockets.md).
 */
export class PollSet {
  readonly #poll: number;
  readonly #callbacks = new Map<number, PollCallback>();
  readonly #into = new Uint8Array(8 * eventsPerRead);
  readonly #pairs = new Int32Array(this.#into.buffer);
  /** Descriptors closed while events are being told: their numbers must not be given to new ones before that is over. */
  #closing: number[] | null = null;

  constructor() {
    this.#poll = native.createPoll();
    // For good: with checks that come in groups the set is empty most of the time, and a watch begun anew for each group
    // was a sixth of what they cost. A process that has a set ends by its own word.
    native.watch(this.#poll, () => this.#tell());
  }

  /** How many sockets are in the set. */
  get size(): number {
    return this.#callbacks.size;
  }

  /** Adds a descriptor. */
  add(fd: number, events: number, callback: PollCallback): void {
    native.controlPoll(this.#poll, EPOLL_CTL_ADD, fd, events | EPOLLET);
    this.#callbacks.set(fd, callback);
  }

  /** Closes a descriptor, in the set or not; nothing more is told of it. */
  close(fd: number): void {
    this.#callbacks.delete(fd);
    if (this.#closing === null) native.close(fd);
    else this.#closing.push(fd);
  }

  #tell(): void {
    const count = native.readPoll(this.#poll, this.#into);
    const closing: number[] = [];
    this.#closing = closing;
    try {
      for (let index = 0; index < count; index++) {
        this.#callbacks.get(this.#pairs[2 * index] ?? -1)?.(this.#pairs[2 * index + 1] ?? 0);
      }
    } finally {
      this.#closing = null;
      for (const fd of closing) native.close(fd);
    }
  }
}

let shared: PollSet | null = null;

/** Gives the set that all sockets of this process share. */
export function sharedPollSet(): PollSet {
  shared ??= new PollSet();
  return shared;
}
