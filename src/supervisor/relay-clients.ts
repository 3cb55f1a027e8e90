import { ClientBook, type ClientNote } from "../ipc/client-book.ts";
import type { ProxyPlan } from "../config/node-plan.ts";

/** What every proxy process has told of where clients of relays with persistence belong, for processes to come. */
export class RelayClients {
  readonly #books = new Map<string, ClientBook>();

  /** Takes notes at `now`, in milliseconds. */
  note(clients: readonly ClientNote[], now: number): void {
    for (const { relay, client, server, forMs } of clients) {
      const book = this.#books.get(relay) ?? new ClientBook();
      this.#books.set(relay, book);
      book.tidy(now);
      book.note(client, server, now + forMs);
    }
  }

  /** Gives everything that still holds. */
  notes(now: number): readonly ClientNote[] {
    return [...this.#books].flatMap(([relay, book]) => book.notes(relay, now));
  }

  /** Forgets relays that a plan does not have. */
  keep({ relays }: ProxyPlan): void {
    const names = new Set(relays.filter(({ persistenceS }) => persistenceS > 0).map(({ name }) => name));
    for (const name of this.#books.keys()) if (!names.has(name)) this.#books.delete(name);
  }
}
