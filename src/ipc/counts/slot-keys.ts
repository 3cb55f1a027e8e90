import type { KeyMaker } from "./key-maker.ts";
import type { CountKey } from "./layout.ts";

/**
 * What processes that outlive their supervisor and the one that comes after it write down of the slots of one thing: each in its own
 * table, for the other to read.
 */
export interface SlotKeys {
  /** How many the process may have in use, of those that it has been lent in whatever way. */
  readonly held: CountKey;
  /** How many it has a use for. */
  readonly wanted: CountKey;
  /** How many of those that it was lent in this way it has come to have, in all. */
  readonly taken: CountKey;
  /** The supervisor's: how many it was lent in this way, in all. */
  readonly lent: CountKey;
  /** The supervisor's: how many it may keep, and one more; 0 if nobody else has a use for them. */
  readonly kept: CountKey;
}

/** Gives what stands under which key for a process and a thing. PURE. */
export function slotKeys(key: KeyMaker, name: string, pid: number): SlotKeys {
  return {
    held: key(name, "configured"),
    wanted: key(`wanted ${name}`, "configured"),
    taken: key(`taken ${name}`, "configured"),
    lent: key(`lent ${pid} ${name}`, "configured"),
    kept: key(`kept ${pid} ${name}`, "configured"),
  };
}
