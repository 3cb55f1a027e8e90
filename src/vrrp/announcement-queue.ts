import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { VipAddressPlan } from "../config/node-plan.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Host } from "./host.ts";
import type { Interfaces } from "./interfaces.ts";

/** What announcing takes. */
export interface AnnouncingNeeds {
  readonly host: Pick<Host, "clock" | "announce">;
  readonly interfaces: Interfaces;
  readonly deadlines: Deadlines;
  readonly log: Log;
}

/** How often each address is announced, and how far apart two frames on an interface are at least. */
export interface Burst {
  readonly count: number;
  /** 0 is as fast as does no harm. */
  readonly pauseMs: number;
}

interface Waiting {
  readonly owner: object;
  readonly vip: VipAddressPlan;
  readonly pauseMs: number;
  /** Whether this address has not been announced at all yet: it does not wait for the pause. */
  isFirst: boolean;
  left: number;
}

/**
 * So many frames go out at one moment, and then none for so long: eight in a millisecond. 255 addresses, five times
 * each, take 0.13 s, and the queue of a neighbour or a switch never sees more than these at once. Sending sixteen takes
 * about 0.1 ms, which is what an advertisement may be late for it.
 */
const framesAtOnce = 16;
const pauseMs = 2;
/** So many first frames of a router do not wait for their turn: as many as it can advertise, but not thousands of extra ones. */
const firstAtOnce = 255;

/**
 * Everything that is still to be announced on each interface, in rounds: an address comes again when all others had their
 * turn, so that hundreds of them are known to the neighbours at the first round.
 */
export class AnnouncementQueue {
  readonly #needs: AnnouncingNeeds;
  /** By interface, then by owner and address. */
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  readonly #owners = new WeakMap<object, number>();
  #ownerCount = 0;

  constructor(needs: AnnouncingNeeds) {
    this.#needs = needs;
  }

  /** Announces each address now, and the rest of the burst in its turn; beyond 255 the first frame is the next in turn. */
  announce(owner: object, vips: readonly VipAddressPlan[], burst: Burst): void {
    const now = vips.slice(0, firstAtOnce);
    for (const vip of now) if (this.#send(owner, vip) === "failed") return;
    for (const vip of vips.slice(firstAtOnce)) this.#queue(owner, vip, { burst, isFirst: true });
    this.add(owner, now, { ...burst, count: burst.count - 1 });
  }

  /** Announces each address in its turn. */
  add(owner: object, vips: readonly VipAddressPlan[], burst: Burst): void {
    for (const vip of vips) this.#queue(owner, vip, { burst, isFirst: false });
  }

  #queue(
    owner: object,
    vip: VipAddressPlan,
    how: { readonly burst: Burst; readonly isFirst: boolean },
  ): void {
    const { count, pauseMs: pause } = how.burst;
    if (count < 1) return;
    const queue = this.#waiting.get(vip.interface) ?? new Map<string, Waiting>();
    this.#waiting.set(vip.interface, queue);
    const key = this.#keyOf(owner, vip);
    const before = queue.get(key);
    // A rival that does not give way has the same address announced over and over: more of it would never end.
    const left = Math.max(count, before?.left ?? 0);
    const isFirst = how.isFirst || (before?.isFirst ?? false);
    if (queue.size === 0) this.#wait(vip.interface, isFirst ? pauseMs : Math.max(pause, pauseMs));
    queue.set(key, { owner, vip, pauseMs: pause, isFirst, left });
  }

  /** Forgets what an owner has not announced yet. */
  cancel(owner: object): void {
    for (const queue of this.#waiting.values()) {
      for (const [key, waiting] of queue) if (waiting.owner === owner) queue.delete(key);
    }
  }

  #wait(on: string, ms: number): void {
    const { deadlines, host } = this.#needs;
    deadlines.set(`announcing on ${on}`, later(host.clock.now(), ms), () => this.#goOn(on));
  }

  #goOn(on: string): void {
    const queue = this.#waiting.get(on);
    if (queue === undefined) return;
    let pause = pauseMs;
    // A switch or a neighbour that misses one frame misses the one right behind it too: no address comes twice at a moment.
    const most = Math.min(framesAtOnce, queue.size);
    for (let sent = 0; sent < most; sent++) {
      const [next] = queue;
      if (next === undefined) break;
      const [key, waiting] = next;
      queue.delete(key);
      const outcome = this.#send(waiting.owner, waiting.vip);
      waiting.left -= 1;
      if (outcome !== "failed" && waiting.left > 0) queue.set(key, waiting);
      // The interface's own queue is full: there is no room for others either.
      if (outcome === "full") break;
      const { isFirst } = waiting;
      waiting.isFirst = false;
      if (waiting.pauseMs > 0 && !isFirst) {
        pause = waiting.pauseMs;
        break;
      }
    }
    if (queue.size > 0) this.#wait(on, pause);
    else this.#waiting.delete(on);
  }

  /** Sends one frame; once it has failed nothing else of its owner is sent. */
  #send(owner: object, vip: VipAddressPlan): "sent" | "full" | "failed" {
    const { host, interfaces, log } = this.#needs;
    const link = interfaces.linkNamed(vip.interface);
    // Nobody is there to be told.
    if (link === null) return "sent";
    try {
      host.announce(link, vip.address);
      return "sent";
    } catch (error) {
      if (hasCode(error, "EAGAIN", "ENOBUFS")) return "full";
      log.warning(`${vip.address} could not be announced on ${link.name}: ${errorText(error)}`);
      this.cancel(owner);
      return "failed";
    }
  }

  #keyOf(owner: object, { address }: VipAddressPlan): string {
    const number = this.#owners.get(owner) ?? this.#ownerCount++;
    this.#owners.set(owner, number);
    return `${number} ${address}`;
  }
}
