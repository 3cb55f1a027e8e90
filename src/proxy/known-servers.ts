import type { UpstreamPlan, UpstreamServerPlan } from "../config/http-plan.ts";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "../config/node-plan.ts";
import { formatDuration } from "../config/units.ts";
import type { ClientNote } from "../ipc/client-book.ts";
import type { ServerEjection } from "../ipc/server-ejection.ts";
import type { Credentials } from "./door.ts";
import type { Engine } from "./engine.ts";
import { NewClients } from "./new-clients.ts";
import { Persistence } from "./persistence.ts";
import { ServerLoad } from "./server-load.ts";
import { CommonSlotBook } from "./slots/slot-book.ts";
import { SlotHoldings } from "./slots/slot-holdings.ts";
import { poolKey, type Snapshot } from "./snapshot.ts";
import type { Tell } from "./tell.ts";
import { forServer, upstreamTls, type UpstreamTls } from "./tls/upstream-tls.ts";
import type { Upstream } from "./upstream.ts";
import { UpstreamPool } from "./upstream-pool.ts";
import { UpstreamState } from "./upstream-state.ts";

/** What one process knows of servers from one plan to the next: connections, failures, load, and whose clients they are. */
export class KnownServers {
  private readonly engine: Engine;
  private readonly tell: Tell;
  /** What this process has of what is limited for all of them together. */
  readonly slots: SlotHoldings;
  private readonly newClients: NewClients;
  private readonly pools = new Map<string, UpstreamPool>();
  /** How the upstreams of the present plan are spoken to, by name; those that are missing in clear text. */
  private secured: ReadonlyMap<string, UpstreamTls> = new Map();
  private readonly states = new Map<string, UpstreamState>();
  private readonly loads = new Map<string, ServerLoad>();
  private readonly persistences = new Map<string, Persistence>();

  constructor(engine: Engine, tell: Tell) {
    this.engine = engine;
    this.tell = tell;
    this.slots = new SlotHoldings(tell.slots, new CommonSlotBook(engine.counts));
    this.newClients = new NewClients(tell.clients);
  }

  /** Takes how the upstreams of a plan are spoken to, before their pools are asked for. */
  secure(plan: ProxyPlan, credentials: Credentials): void {
    this.secured = new Map(
      plan.upstreams.flatMap(({ name, tls }) =>
        tls === null ? [] : [[name, upstreamTls(tls, credentials)] as const],
      ),
    );
  }

  /** Gives the connections to a server of an upstream, as this plan wants them. */
  pool(upstream: UpstreamPlan, { address, name, port }: UpstreamServerPlan): UpstreamPool {
    const secured = this.secured.get(upstream.name);
    const tls = secured === undefined ? null : forServer(secured, name);
    const endpoint = { address, port };
    // A server that is to be spoken to otherwise has other connections.
    const key = `${poolKey(upstream.name, endpoint)} ${tls?.mark ?? ""}`;
    const pool = this.pools.get(key) ?? new UpstreamPool(endpoint, tls, this.engine);
    this.pools.set(key, pool);
    pool.setHttp2(upstream.http2);
    pool.setLimits(upstream.keepAliveConnections, upstream.keepAliveIdleMs);
    pool.setLifetime({
      mostRequests: upstream.keepAliveRequests ?? Number.POSITIVE_INFINITY,
      mostAgeMs: upstream.keepAliveAgeMs ?? Number.POSITIVE_INFINITY,
    });
    pool.setProxyProtocol(upstream.proxyProtocol);
    return pool;
  }

  /** Gives what is remembered of an upstream. */
  state(name: string): UpstreamState {
    const known = this.states.get(name);
    if (known !== undefined) return known;
    const state = new UpstreamState({
      now: () => this.engine.sweep.now,
      slots: this.slots,
      tell: (ejection) => {
        const { forMs, reason, server } = ejection;
        this.engine.log.warning(`${server} gets no requests for ${formatDuration(forMs)}: ${reason}`);
        this.tell.ejections([ejection]);
      },
    });
    this.states.set(name, state);
    this.engine.sweep.add(state);
    return state;
  }

  /** Gives how much a server of a relay has to do. */
  load(relay: string, server: RelayServerPlan): ServerLoad {
    const key = poolKey(relay, server);
    const load = this.loads.get(key) ?? new ServerLoad(this.engine.counts, key);
    this.loads.set(key, load);
    load.setThresholds(server);
    return load;
  }

  /** Gives where the clients of a relay go; null if it does not keep them at one server. */
  persistence(relay: RelayPlan): Persistence | null {
    if (relay.persistenceS === 0) return null;
    const persistence =
      this.persistences.get(relay.name) ??
      new Persistence(relay.name, {
        now: () => performance.now(),
        tell: (note) => this.newClients.add(note),
      });
    this.persistences.set(relay.name, persistence);
    persistence.configure(relay);
    return persistence;
  }

  /** Takes which servers other processes leave alone. */
  heardEjections(ejections: readonly ServerEjection[]): void {
    for (const ejection of ejections)
      for (const state of this.states.values()) state.ejections.heard(ejection);
  }

  /** Takes where clients went in other processes. */
  heardClients(clients: readonly ClientNote[]): void {
    for (const note of clients) this.persistences.get(note.relay)?.heard(note);
  }

  /** Lets go of what the plan before had and this one has not. */
  retain({ plan, upstreams }: Snapshot): void {
    this.retainPools(upstreams.values());
    const names = new Set(plan.upstreams.map(({ name }) => name));
    for (const [name, state] of this.states) {
      if (names.has(name)) continue;
      this.engine.sweep.remove(state);
      state.retire();
      this.states.delete(name);
    }
    const loads = new Set(
      plan.relays.flatMap(({ name, servers }) => servers.map((server) => poolKey(name, server))),
    );
    // Connections outlive the plan: a server that comes back while some are open has them still.
    for (const [key, load] of this.loads)
      if (!loads.has(key) && load.activeConnections === 0) this.loads.delete(key);
    const persistent = new Set(
      plan.relays.filter(({ persistenceS }) => persistenceS > 0).map(({ name }) => name),
    );
    for (const name of this.persistences.keys()) if (!persistent.has(name)) this.persistences.delete(name);
  }

  /** Lets go of connections to servers that none of these upstreams has: those in use end with their request. */
  retainPools(upstreams: Iterable<Upstream>): void {
    const pools = new Set([...upstreams].flatMap(({ servers }) => servers.map(({ pool }) => pool)));
    for (const [key, pool] of this.pools) {
      if (pools.has(pool)) continue;
      pool.retire();
      this.pools.delete(key);
    }
  }

  /** Closes what is idle and keeps nothing any more. */
  retire(): void {
    for (const pool of this.pools.values()) pool.retire();
    this.slots.close();
  }
}
