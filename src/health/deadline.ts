/**
 * The end of an attempt's time. The runtime's `AbortSignal` does the same, and was a tenth of what a check costs: it is an
 * event target with all that belongs to one.
 */
export class Deadline {
  #isOver = false;
  #actions: (() => void)[] = [];

  /** Whether the time is up. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Has an action run when the time is up, or at once if it is. */
  onOver(action: () => void): void {
    if (this.#isOver) action();
    else this.#actions.push(action);
  }

  /** Says that the time is up; only the first time counts. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const actions = this.#actions;
    this.#actions = [];
    for (const action of actions) action();
  }
}
