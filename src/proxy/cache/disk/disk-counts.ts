import type { Log } from "../../../base/log.ts";
import { errorText } from "../../../base/system-error.ts";

/** Counts what a disk does, and tells of what goes wrong with it, once for each kind. */
export class DiskCounts {
  found = 0;
  stored = 0;
  skipped = 0;
  late = 0;
  damaged = 0;
  failed = 0;
  /** Text of the last error. */
  failure: string | null = null;
  private readonly path: string;
  private readonly log: Log;
  private readonly told = new Set<string>();

  constructor(path: string, log: Log) {
    this.path = path;
    this.log = log;
  }

  /** Does something with the disk; gives what it threw, which has been counted and told, or null. */
  async attempt(act: () => Promise<void>): Promise<unknown> {
    try {
      await act();
      return null;
    } catch (error) {
      this.failed++;
      this.failure = errorText(error);
      this.tell(codeOf(error), `${errorText(error)}; requests go on without what it cannot do`);
      return error;
    }
  }

  /** Notes a file that is not what was written. */
  foundDamaged(file: string): void {
    this.damaged++;
    this.tell("damaged", `${file} is not what was written: it is removed, and so are others like it`);
  }

  private tell(kind: string, text: string): void {
    if (this.told.has(kind)) return;
    this.told.add(kind);
    this.log.warning(`cache in ${this.path}: ${text}; said once, counted in the status`);
  }
}

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  return typeof code === "string" ? code : "error";
}
