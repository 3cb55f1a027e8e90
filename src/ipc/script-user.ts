import type { UserIds } from "../base/program.ts";

/** A user that programs of the elections run as, by the name in the configuration; null is whom scripts run as unless it says so. */
export interface ScriptUser {
  readonly name: string | null;
  /** Null is the user of the process itself. */
  readonly ids: UserIds | null;
  /** Why nobody knows, or null. */
  readonly problem: string | null;
}
