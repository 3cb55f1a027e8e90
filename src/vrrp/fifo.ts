import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { hasCode, errorText } from "../base/system-error.ts";
import type { Fifo } from "./host.ts";

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
  if (exitCode !== 0) throw new Error(`the FIFO ${path} cannot be made: ${stderr.toString().trim()}`);
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
