import { familyOf, networkOf } from "../base/address.ts";
import type { RelayPlan } from "../config/node-plan.ts";
import { ClientBook, type ClientNote } from "../ipc/client-book.ts";
import { rendezvous } from "./selection/rendezvous.ts";
import type { Caller, RelayCandidate, Scheduler } from "./selection/scheduler.ts";

/** A note is good for longer than a client has to stay: so only some of its visits have to be told to the other processes. */
const reserve = 1.25;

/**
 * Where the clients of one relay belong. A new one goes where its hash says, which is the same server in every process; a
 * note keeps it there when servers come back or weights change, and goes to the other processes. It outlives the plan.
 */
export class Persistence {
  private readonly relay: string;
  private readonly tell: (note: ClientNote) => void;
  private readonly now: () => number;
  private readonly book = new ClientBook();
  private timeoutMs = 0;
  private prefix: RelayPlan["persistencePrefix"] = { ipv4: 32, ipv6: 128 };

  /** `now` gives milliseconds of the monotonic clock; `tell` gets what other processes should know. */
  constructor(
    relay: string,
    { now, tell }: { readonly now: () => number; readonly tell: (note: ClientNote) => void },
  ) {
    this.relay = relay;
    this.now = now;
    this.tell = tell;
  }

  /** Takes a plan's timeout and prefix. */
  configure({ persistenceS, persistencePrefix }: RelayPlan): void {
    this.timeoutMs = persistenceS * 1_000;
    this.prefix = persistencePrefix;
  }

  /** Takes what another process has told. */
  heard({ client, server, forMs }: ClientNote): void {
    this.book.note(client, server, this.now() + Math.min(forMs, this.timeoutMs * reserve));
  }

  /** Makes a scheduler for servers; what the relay's own one would do decides nothing. */
  scheduler<T extends RelayCandidate>(servers: readonly T[]): Scheduler<T> {
    const byKey = new Map(servers.map((server) => [server.key, server]));
    return {
      next: (caller, tried) => {
        const client = this.networkOf(caller);
        const now = this.now();
        const known = this.book.serverOf(client, now);
        const kept = known === null ? undefined : byKey.get(known);
        // As in the kernel, weight 0 and thresholds turn only new clients away.
        const isKept = kept?.isUp === true && tried?.includes(kept) !== true;
        const server = isKept ? kept : rendezvous(servers, client, tried);
        if (server !== null) this.note(client, server.key, now);
        return server;
      },
    };
  }

  private note(client: string, server: string, now: number): void {
    if (this.book.serverOf(client, now + this.timeoutMs) === server) return;
    const forMs = this.timeoutMs * reserve;
    this.book.tidy(now);
    this.book.note(client, server, now + forMs);
    this.tell({ relay: this.relay, client, server, forMs });
  }

  private networkOf({ clientAddress }: Caller): string {
    const family = familyOf(clientAddress);
    const length = family === 4 ? this.prefix.ipv4 : this.prefix.ipv6;
    if (length === (family === 4 ? 32 : 128)) return clientAddress;
    return networkOf({ address: clientAddress, length }).address;
  }
}
