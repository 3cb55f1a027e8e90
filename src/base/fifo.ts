import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from "node:fs";
import type { Log } from "./log.ts";
import { errorText, hasCode } from "./system-error.ts";

/** A FIFO that somebody else may read. */
export interface Fifo {
  /** Writes one line without waiting; the result says why it was dropped, or is null. */
  write(line: string): string | null;
  close(): void;
}

/** Writes lines to a FIFO, and says in the log when they begin to be dropped, and when that ends. */
export class FifoLines {
  readonly #fifo: Fifo;
  readonly #log: Log;
  #dropped = 0;

  constructor(fifo: Fifo, log: Log) {
    this.#fifo = fifo;
    this.#log = log;
  }

  write(line: string): void {
    const problem = this.#fifo.write(line);
    if (problem !== null) {
      if (this.#dropped === 0)
        this.#log.warning(`notify FIFO: ${problem}: lines are dropped until that ends`);
      this.#dropped++;
    } else if (this.#dropped > 0) {
      this.#log.notice(`notify FIFO: lines are read again; ${this.#dropped} were dropped`);
      this.#dropped = 0;
    }
  }

  close(): void {
    this.#fifo.close();
  }
}

/** Opens a FIFO for writing lines that are dropped rather than waited with; makes it if there is none, throws if it cannot. */
export function openFifo(path: string): Fifo {
  makeFifo(path);
  return new FifoWriter(path);
}

function makeFifo(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFIFO() === true) return;
  if (found !== undefined) throw new Error(`${path} is there already and is no FIFO`);
  const { exitCode, stderr } = Bun.spawnSync(["mkfifo", "-m", "0600", "--", path]);
  // Another process of this node writes to it too, and may have made it meanwhile.
  if (exitCode !== 0 && statSync(path, { throwIfNoEntry: false })?.isFIFO() !== true)
    throw new Error(`the FIFO ${path} cannot be made: ${stderr.toString().trim()}`);
}

class FifoWriter implements Fifo {
  readonly #path: string;
  #fd: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  write(line: string): string | null {
    try {
      // A line is shorter than PIPE_BUF, so it is written as a whole or not at all (pipe(7)).
      writeSync(this.#open(), line);
      return null;
    } catch (error) {
      if (hasCode(error, "EAGAIN")) return `${this.#path} is full`;
      this.close();
      // ENXIO on opening, EPIPE on writing: the next line tries to open it again.
      if (hasCode(error, "ENXIO", "EPIPE")) return `nobody reads ${this.#path}`;
      return errorText(error);
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #open(): number {
    if (this.#fd !== null) return this.#fd;
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFIFO()) {
      closeSync(fd);
      throw new Error(`${this.#path} is no FIFO any more`);
    }
    this.#fd = fd;
    return fd;
  }
}
