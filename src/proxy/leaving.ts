import { whenOrphaned } from "../ipc/channel.ts";

/** Connections get this long to end when the service stops. */
const stopMs = 2_000;

/** Knows how long what is open may take when this process is told to leave, or finds that it has to. */
export class Leaving {
  readonly #drain: (deadlineMs: number) => void;
  #patienceMs = 0;
  #outlives = false;

  constructor(drain: (deadlineMs: number) => void) {
    this.#drain = drain;
  }

  /** Another supervisor comes in the place of this one: until it says SIGTERM all goes on, and then for so long. */
  outlive(drainMs: number): void {
    this.#outlives = true;
    this.#patienceMs = drainMs;
  }

  /** What SIGTERM does; who says it twice means it. */
  begin(): void {
    this.#drain(this.#patienceMs);
    this.#patienceMs = Math.min(this.#patienceMs, stopMs);
  }

  /** The channel is closed: this process ends, unless its supervisor only has made room for another one. */
  alone(): void {
    if (this.#outlives) whenOrphaned(() => this.#drain(stopMs));
    else process.exit(0);
  }
}
