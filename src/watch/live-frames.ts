import { type Link, RouteNetlink } from "../kernel/rtnetlink.ts";
import { hasCode } from "../base/system-error.ts";
import { watchFilter } from "../kernel/watch-filter.ts";
import { WireTap } from "../kernel/wire-tap.ts";
import { linkType } from "./link-layer.ts";
import type { CapturedFrame } from "./packet.ts";

/** What is listened to, and who is told. */
export interface LiveOptions {
  /** An interface's name; null is all Ethernet interfaces, those that come later too. */
  readonly interface: string | null;
  readonly react: (frame: CapturedFrame) => void;
  /** Told of what happens to interfaces, in a sentence. */
  readonly tell: (text: string) => void;
  /** Told of what makes going on impossible, such as that the one interface is gone. */
  readonly fail: (error: unknown) => void;
}

/** Thrown when an interface cannot be listened to; the message says what to do. */
export class LiveError extends Error {}

const ethernetMacLength = 6;

/** Frames as they pass the interfaces of this host, with times on one scale that no setting of the clock disturbs. */
export class LiveFrames {
  readonly #options: LiveOptions;
  readonly #routes = RouteNetlink.open();
  readonly #taps = new Map<number, { readonly name: string; readonly tap: WireTap }>();
  readonly #startMs = Date.now() - performance.now();
  #filter = watchFilter([]);
  #droppedBefore = 0;

  private constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** Starts to listen; throws `LiveError`, or `SystemError` without CAP_NET_RAW. */
  static open(options: LiveOptions): LiveFrames {
    const live = new LiveFrames(options);
    try {
      live.#openTaps();
    } catch (error) {
      live.close();
      throw error;
    }
    return live;
  }

  /** The names of the interfaces that are listened to. */
  get names(): readonly string[] {
    return [...this.#taps.values()].map(({ name }) => name);
  }

  /** The present moment on the scale of the frames. */
  nowMs(): number {
    return this.#startMs + performance.now();
  }

  /** Has ARP about these addresses come in too. */
  listenFor(addresses: readonly string[]): void {
    this.#filter = watchFilter(addresses);
    for (const { tap } of this.#taps.values()) tap.setFilter(this.#filter);
  }

  /** Looks for interfaces that have come or gone; call it now and then. */
  refresh(): void {
    const links = this.#routes.links();
    for (const [index, { name }] of this.#taps) {
      if (!links.some((link) => link.index === index)) this.#lose(index, `${name} is gone`);
    }
    if (this.#options.interface !== null) return;
    for (const link of links.filter((one) => isWorthwhile(one) && !this.#taps.has(one.index)))
      this.#openTap(link);
  }

  /** Gives how many frames the kernel had no room for. */
  dropped(): number {
    return [...this.#taps.values()].reduce((sum, { tap }) => sum + tap.dropped(), this.#droppedBefore);
  }

  close(): void {
    this.#droppedBefore = this.dropped();
    for (const { tap } of this.#taps.values()) tap.close();
    this.#taps.clear();
    this.#routes.close();
  }

  #openTaps(): void {
    const links = this.#routes.links();
    const { interface: name } = this.#options;
    if (name === null) {
      for (const link of links.filter(isWorthwhile)) this.#openTap(link);
      if (this.#taps.size === 0) throw new LiveError("there is no Ethernet interface to watch");
      return;
    }
    const link = links.find((one) => one.name === name);
    if (link === undefined) {
      const names = links.map((one) => one.name).join(", ");
      throw new LiveError(`there is no interface ${name}; this host has ${names}`);
    }
    if (link.mac.length !== ethernetMacLength) {
      const instead = `tcpdump -i ${name} -U -w - | edge-ha watch --read -`;
      throw new LiveError(`${name} is no Ethernet interface; use \`${instead}\``);
    }
    if (!link.isUp) this.#options.tell(`${name} is down: nothing arrives before it is up`);
    this.#openTap(link);
  }

  #openTap({ index, name }: Link): void {
    const tap = WireTap.open(index, this.#filter);
    this.#taps.set(index, { name, tap });
    tap.onFrame(
      ({ atMs, bytes }) => {
        // How old it is now is what the two clocks agree on.
        const ageMs = Math.min(Math.max(Date.now() - atMs, 0), longestAgeMs);
        const frame = { atMs: this.nowMs() - ageMs, interface: name, linkType: linkType.ethernet };
        this.#options.react({ ...frame, bytes, wireLength: bytes.length });
      },
      (error) => {
        if (!hasCode(error, "ENETDOWN")) return this.#options.fail(error);
        const isThere = this.#routes.links().some((link) => link.index === index);
        if (isThere) this.#options.tell(`${name} went down`);
        else this.#lose(index, `${name} is gone`);
      },
    );
  }

  #lose(index: number, text: string): void {
    const lost = this.#taps.get(index);
    if (lost === undefined) return;
    this.#taps.delete(index);
    lost.tap.close();
    this.#droppedBefore += lost.tap.dropped();
    if (this.#options.interface === null) this.#options.tell(text);
    else this.#options.fail(new LiveError(text));
  }
}

const longestAgeMs = 10_000;

/** Ethernet, and not the loopback, which has an address of zeros. */
function isWorthwhile({ mac }: Link): boolean {
  return mac.length === ethernetMacLength && mac.some((byte) => byte !== 0);
}
