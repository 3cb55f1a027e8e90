import { whenOrphaned } from "../ipc/channel.ts";

/** Connections get this long to end when the service stops. */
const stopMs = 2_000;
/** So long at most is waited for what the supervisor has said before a signal, and is yet to be read. */
const unreadMs = 100;

/** Knows how long what is open may take when this process is told to leave, or finds that it has to. */
export class Leaving {
  readonly #drain: (deadlineMs: number) => void;
  #patienceMs = 0;
  #outlives = false;
  #isAlone = false;
  /** How often it was told to leave while the line was not read to its end. */
  #told = 0;
  #timer: Timer | null = null;

  constructor(drain: (deadlineMs: number) => void) {
    this.#drain = drain;
  }

  /** Another supervisor comes in the place of this one: until it says SIGTERM all goes on, and then for so long. */
  outlive(drainMs: number): void {
    this.#outlives = true;
    this.#patienceMs = drainMs;
  }

  /**
   * What SIGTERM does; who says it twice means it. A process that was held up may have the signal before the word that
   * another supervisor comes: the line is read to its end first, or for a moment if it stays open.
   */
  begin(): void {
    this.#told += 1;
    if (this.#isAlone) this.#go();
    else this.#timer ??= setTimeout(() => this.#go(), unreadMs);
  }

  /** The channel is closed: this process ends, unless its supervisor only has made room for another one. */
  alone(): void {
    if (!this.#outlives) process.exit(0);
    this.#isAlone = true;
    whenOrphaned(() => this.#drain(stopMs));
    this.#go();
  }

  #go(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (; this.#told > 0; this.#told--) {
      this.#drain(this.#patienceMs);
      this.#patienceMs = Math.min(this.#patienceMs, stopMs);
    }
  }
}
