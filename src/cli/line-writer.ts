import { writeSync } from "node:fs";
import { hasCode } from "../base/system-error.ts";

const pauseMs = 5;

/** Writes lines to a descriptor, each at once; notices when nobody reads any more. */
export class LineWriter {
  readonly #fd: number;
  #isBroken = false;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether the reader is gone (`| head`); nothing more is written. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Writes a line; waits for a slow reader. */
  write(line: string): void {
    let rest: Uint8Array = new TextEncoder().encode(`${line}\n`);
    while (rest.length > 0 && !this.#isBroken) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if (hasCode(error, "EAGAIN")) Atomics.wait(this.#sleeper, 0, 0, pauseMs);
        else if (hasCode(error, "EPIPE")) this.#isBroken = true;
        else throw error;
      }
    }
  }
}
