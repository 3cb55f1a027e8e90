import type { Instant } from "../base/instant.ts";
import type { Host } from "./host.ts";

/** Many named deadlines on the host's one alarm. */
export class Deadlines {
  readonly #host: Pick<Host, "clock" | "alarm">;
  readonly #pending = new Map<string, { readonly at: Instant; readonly action: () => void }>();
  #armedFor: Instant | null = null;

  constructor(host: Pick<Host, "clock" | "alarm">) {
    this.#host = host;
  }

  /** Calls `action` once at or after `at`, instead of what was set under this name. */
  set(name: string, at: Instant, action: () => void): void {
    this.#pending.set(name, { at, action });
    this.#arm();
  }

  /** Forgets a deadline. */
  clear(name: string): void {
    if (this.#pending.delete(name)) this.#arm();
  }

  #arm(): void {
    let earliest: Instant | null = null;
    for (const { at } of this.#pending.values()) if (earliest === null || at < earliest) earliest = at;
    if (earliest === this.#armedFor) return;
    this.#armedFor = earliest;
    if (earliest === null) this.#host.alarm.clear();
    else this.#host.alarm.set(earliest, () => this.#fire());
  }

  #fire(): void {
    this.#armedFor = null;
    const now = this.#host.clock.now();
    const due = [...this.#pending].filter(([, { at }]) => at <= now).sort(([, a], [, b]) => a.at - b.at);
    for (const [name, deadline] of due) {
      // An earlier one may have replaced or cleared it.
      if (this.#pending.get(name) !== deadline) continue;
      this.#pending.delete(name);
      deadline.action();
    }
    this.#arm();
  }
}
