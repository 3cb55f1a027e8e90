import * as native from "../native/index.ts";
import { FloodTally, type TallyOptions } from "./flood-tally.ts";
import { intOption } from "./socket-address.ts";
import { IPPROTO_IPV6, IPV6_CHECKSUM, SOL_SOCKET, SO_DETACH_FILTER, SO_MEMINFO } from "./socket-constants.ts";

/** Only sound packets are queued from now on; or all are again, for good, and so many were dropped meanwhile. */
export type FloodNews =
  | { readonly kind: "begun" }
  /** Null if the kernel would not count them. */
  | { readonly kind: "over"; readonly dropped: number | null };

/** What floods a socket has seen since it was opened. */
export interface FloodCount {
  /** Whether one is under way, or was until a moment ago. */
  readonly isOn: boolean;
  /** Packets dropped unread; null if the kernel would not count all of them. */
  readonly dropped: number | null;
}

/** How a socket is kept from drowning. */
export interface FloodRules {
  /** IPv4: the program that takes sound packets only. */
  readonly soundOnly: Uint8Array;
  /** IPv6: where the checksum stands, which the kernel then checks itself (RFC 3542 §3.1). */
  readonly checksumOffset: number;
  readonly tell: (news: FloodNews) => void;
}

/** More in a tenth of a second is a flood: 255 virtual routers at intervals of 30 ms are not. */
const mostPackets = 1000;
const spanMs = 100;
const shortestMs = 1000;
const longestMs = 30_000;
const calmMs = 5000;
// struct sk_meminfo: nine numbers of 32 bits, of which these count.
const infoLength = 36;
const queuedField = 0;
const roomField = 4;
const droppedField = 32;

/**
 * Has the kernel sort packets for one raw socket while too many arrive. Reading garbage is dear, 30 µs a packet, on a
 * thread that has priority over everything else; and when the socket's queue is full, what the kernel drops is as
 * likely an advertisement as it is garbage. In calm times every packet is read, counted and explained. The first try
 * to go back comes after a second, later ones after up to half a minute.
 */
export class FloodGuard {
  readonly #fd: number;
  readonly #options: TallyOptions;
  readonly #rules: FloodRules;
  #tally: FloodTally | null = null;
  /** What was read while the socket was shut, and what was dropped in all. */
  #read = 0;
  #sorted: number | null = 0;
  #dropped = 0;
  /** What earlier floods came to; null as long as there was none. */
  #before: Pick<FloodCount, "dropped"> | null = null;
  #spanBegan = 0;
  #packets = 0;
  #pauseMs = shortestMs;
  #isShut = false;
  #isTold = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(fd: number, options: TallyOptions, rules: FloodRules) {
    this.#fd = fd;
    this.#options = options;
    this.#rules = rules;
  }

  /** Takes note of packets that were read in one wake-up; `isMore` if that did not empty the queue. */
  note(packets: number, isMore: boolean): void {
    if (this.#isShut) {
      this.#read += packets;
      return;
    }
    const now = performance.now();
    if (now - this.#spanBegan > spanMs) {
      this.#spanBegan = now;
      this.#packets = 0;
    }
    this.#packets += packets;
    if (this.#packets > mostPackets || (isMore && this.#isOverfull())) this.#shut();
  }

  /** Says what floods there were; null if there was none. */
  count(): FloodCount | null {
    if (!this.#isTold) return this.#before === null ? null : { isOn: false, ...this.#before };
    const waiting = this.#isShut ? difference(this.#tally?.count() ?? null, this.#read) : 0;
    return { isOn: true, dropped: sum(sum(this.#earlier(), this.#sorted), waiting) };
  }

  /** Gives up what it holds; the socket is about to be closed. */
  close(): void {
    this.#clearTimer();
    this.#tally?.close();
    this.#tally = null;
  }

  #isOverfull(): boolean {
    const info = this.#memory();
    const dropped = info.getUint32(droppedField, true);
    const isFull = info.getUint32(queuedField, true) > info.getUint32(roomField, true) / 2;
    const hasDropped = dropped !== this.#dropped;
    this.#dropped = dropped;
    return isFull || hasDropped;
  }

  #memory(): DataView {
    const bytes = native.getOption(this.#fd, SOL_SOCKET, SO_MEMINFO, infoLength);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #shut(): void {
    this.#isShut = true;
    this.#read = 0;
    this.#tally = FloodTally.open(this.#options);
    if (this.#options.family === 4) native.attachFilter(this.#fd, this.#rules.soundOnly);
    else native.setOption(this.#fd, IPPROTO_IPV6, IPV6_CHECKSUM, intOption(this.#rules.checksumOffset));
    if (!this.#isTold) this.#rules.tell({ kind: "begun" });
    this.#isTold = true;
    this.#after(this.#pauseMs, () => this.#open());
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestMs);
  }

  #open(): void {
    this.#isShut = false;
    if (this.#options.family === 4) native.setOption(this.#fd, SOL_SOCKET, SO_DETACH_FILTER, intOption(0));
    else native.setOption(this.#fd, IPPROTO_IPV6, IPV6_CHECKSUM, intOption(-1));
    this.#sum();
    // What was sorted out meanwhile is no sign of a queue that is too short.
    this.#dropped = this.#memory().getUint32(droppedField, true);
    this.#after(calmMs, () => {
      this.#pauseMs = shortestMs;
      this.#isTold = false;
      const dropped = this.#sorted;
      this.#before = { dropped: sum(this.#earlier(), dropped) };
      this.#sorted = 0;
      this.#rules.tell({ kind: "over", dropped });
    });
  }

  #earlier(): number | null {
    return this.#before === null ? 0 : this.#before.dropped;
  }

  /** What arrived and was not read was dropped, here or because the queue was full. */
  #sum(): void {
    const arrived = this.#tally?.close() ?? null;
    this.#tally = null;
    this.#sorted = sum(this.#sorted, difference(arrived, this.#read));
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #after(ms: number, action: () => void): void {
    this.#clearTimer();
    this.#timer = setTimeout(action, ms);
    // A process that has nothing else to do may end.
    this.#timer.unref();
  }
}

/** Of numbers that may be unknown. */
function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function difference(all: number | null, part: number): number | null {
  return all === null ? null : Math.max(0, all - part);
}
