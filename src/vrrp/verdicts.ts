import type { Verdict } from "../ipc/messages.ts";

/** What the node's health checks have found, as told by the supervisor: the last word on each probe stays. */
export class Verdicts {
  #known = new Map<string, boolean>();

  /** Replaces everything that is known. */
  replace(verdicts: readonly Verdict[]): void {
    this.#known = new Map(verdicts.map(({ probe, isUp }) => [probe, isUp]));
  }

  /** Takes note of verdicts that have changed. */
  note(verdicts: readonly Verdict[]): void {
    for (const { probe, isUp } of verdicts) this.#known.set(probe, isUp);
  }

  /** Says whether a probe finds its server up; null as long as nothing is known. */
  of(probe: string): boolean | null {
    return this.#known.get(probe) ?? null;
  }
}
