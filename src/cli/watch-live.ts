import { errorText } from "../base/system-error.ts";
import { LiveFrames } from "../watch/live-frames.ts";
import type { CapturedFrame } from "../watch/packet.ts";
import type { WatchOptions } from "./watch-options.ts";
import type { Watcher } from "./watcher.ts";

/** How often time is let pass without a packet, and new interfaces are looked for. */
const tickMs = 100;
const ticksPerRefresh = 20;
const stopSignals = ["SIGINT", "SIGTERM"] as const;

/** Listens until a signal, the end of the time, enough packets, or nobody reads on; rejects when it cannot go on. */
export async function watchLive(options: WatchOptions, watcher: Watcher): Promise<void> {
  const watch = new LiveWatch(options, watcher);
  const stop = (): void => watch.end();
  for (const signal of stopSignals) process.on(signal, stop);
  const timer = setInterval(() => watch.tick(), tickMs);
  const limit = options.durationMs === null ? null : setTimeout(stop, options.durationMs);
  try {
    await watch.ended;
  } finally {
    clearInterval(timer);
    if (limit !== null) clearTimeout(limit);
    for (const signal of stopSignals) process.off(signal, stop);
  }
}

/** Frames on their way from the interfaces to the watcher. */
class LiveWatch {
  readonly #watcher: Watcher;
  readonly #live: LiveFrames;
  readonly #outcome = Promise.withResolvers<void>();
  #isOpen = true;
  #ticks = 0;
  #lastTickMs: number;

  constructor(options: WatchOptions, watcher: Watcher) {
    this.#watcher = watcher;
    this.#live = LiveFrames.open({
      interface: options.interface,
      react: (frame) => this.#orFail(() => this.#take(frame)),
      tell: say,
      fail: (error) => this.#fail(error),
    });
    this.#lastTickMs = this.#live.nowMs();
    say(`watching ${this.#live.names.join(", ")}; Ctrl-C ends`);
  }

  /** Resolves when it is over, and rejects with what makes going on impossible. */
  get ended(): Promise<void> {
    return this.#outcome.promise;
  }

  /** Lets time pass. */
  tick(): void {
    this.#orFail(() => {
      this.#ticks += 1;
      if (this.#ticks % ticksPerRefresh === 0) this.#live.refresh();
      // What arrived since the last tick may wait to be read still: nobody is silent because this process was busy.
      this.#watcher.advance(this.#lastTickMs);
      this.#lastTickMs = this.#live.nowMs();
      this.#watcher.tellDrops(this.#live.dropped(), this.#lastTickMs);
      if (this.#watcher.isDone) this.end();
    });
  }

  end(): void {
    this.#close();
    this.#outcome.resolve();
  }

  #take(frame: CapturedFrame): void {
    this.#watcher.take(frame);
    if (this.#watcher.hasNewAddresses) this.#live.listenFor(this.#watcher.takeAddresses());
    if (this.#watcher.isDone) this.end();
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watcher.dropped = this.#live.dropped();
    this.#live.close();
  }

  #orFail(act: () => void): void {
    if (!this.#isOpen) return;
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#close();
    this.#outcome.reject(error instanceof Error ? error : new Error(errorText(error)));
  }
}

function say(text: string): void {
  process.stderr.write(`edge-ha watch: ${text}\n`);
}
