/** Where clients of relays with persistence went to: what the proxy processes tell one another through the supervisor. PURE. */

/** A client of a relay and its server. */
export interface ClientNote {
  readonly relay: string;
  /** Address of the client's network, of as many bits as persistence goes by. */
  readonly client: string;
  /** The server's address and port as `formatEndpoint` writes them. */
  readonly server: string;
  /** For how long from now on it belongs there, in milliseconds. */
  readonly forMs: number;
}

/** A book that is full forgets those first that have not come for longest. */
export const clientLimit = 65_536;

/** Which server each client of one relay belongs to, for as long as its time lasts. */
export class ClientBook {
  /** In the order of their last visit. */
  readonly #clients = new Map<string, { readonly server: string; readonly until: number }>();
  readonly #limit: number;

  constructor(limit: number = clientLimit) {
    this.#limit = limit;
  }

  /** How many clients are known. */
  get size(): number {
    return this.#clients.size;
  }

  /** Gives the server of a client at `now`, in milliseconds, or null. */
  serverOf(client: string, now: number): string | null {
    const entry = this.#clients.get(client);
    return entry !== undefined && entry.until > now ? entry.server : null;
  }

  /** Notes where a client went; it belongs there until `until`. */
  note(client: string, server: string, until: number): void {
    // Written anew, so that it is the last one to be forgotten.
    this.#clients.delete(client);
    this.#clients.set(client, { server, until });
    if (this.#clients.size <= this.#limit) return;
    const [oldest] = this.#clients.keys();
    if (oldest !== undefined) this.#clients.delete(oldest);
  }

  /** Forgets those whose time is over and who have not come since someone whose time is not. */
  tidy(now: number): void {
    for (const [client, { until }] of this.#clients) {
      if (until > now) return;
      this.#clients.delete(client);
    }
  }

  /** Gives everyone whose time is not over. */
  notes(relay: string, now: number): readonly ClientNote[] {
    return [...this.#clients]
      .filter(([, { until }]) => until > now)
      .map(([client, { server, until }]) => ({ relay, client, server, forMs: until - now }));
  }
}
