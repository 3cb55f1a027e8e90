import type { Child } from "./child.ts";

/** Who hears a child. */
export interface ChildHandlers<From> {
  readonly onMessage: (message: From) => void;
  readonly onExit: (how: string) => void;
}

/** Starts a child. */
export type StartChild<To, From> = (handlers: ChildHandlers<From>) => Child<To>;

/**
 * A child that is started before its keeper is there, so that it is ready by then. What it says, and that it has ended, waits
 * for the keeper; one that no keeper has taken is killed in the end.
 */
export class Ahead<To, From> implements Disposable {
  readonly #start: StartChild<To, From>;
  readonly #waiting: ((handlers: ChildHandlers<From>) => void)[] = [];
  #handlers: ChildHandlers<From> | null = null;
  #child: Child<To> | null = null;
  readonly #hasSpoken = Promise.withResolvers<void>();

  /** Starts it; where that fails it is up to the keeper, who tells of it. */
  constructor(start: StartChild<To, From>) {
    this.#start = start;
    try {
      this.#child = start({
        onMessage: (message) => this.#pass((handlers) => handlers.onMessage(message)),
        onExit: (how) => this.#pass((handlers) => handlers.onExit(how)),
      });
    } catch {
      this.#child = null;
      this.#hasSpoken.resolve();
    }
  }

  /** Resolves when the child has said something, or has ended: nothing is gained by waiting any longer for it. */
  get hasSpoken(): Promise<void> {
    return this.#hasSpoken.promise;
  }

  /** Gives the child to its keeper; one that comes again has the last one's successor started. */
  take(handlers: ChildHandlers<From>): Child<To> {
    const child = this.#child;
    if (child === null) return this.#start(handlers);
    this.#child = null;
    // Not before the keeper has its child.
    queueMicrotask(() => {
      this.#handlers = handlers;
      for (const pass of this.#waiting.splice(0)) pass(handlers);
    });
    return child;
  }

  [Symbol.dispose](): void {
    this.#child?.kill("SIGKILL");
  }

  #pass(pass: (handlers: ChildHandlers<From>) => void): void {
    this.#hasSpoken.resolve();
    if (this.#handlers === null) this.#waiting.push(pass);
    else pass(this.#handlers);
  }
}
