import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { formatDuration } from "../config/units.ts";
import type { ProxyPlan, RelayPlan, RelayServerPlan } from "../config/node-plan.ts";
import type { ListenerPlan, UpstreamPlan } from "../config/http-plan.ts";
import type { ClientNote } from "../ipc/client-book.ts";
import type { Departure } from "../ipc/departure.ts";
import type { SpentNote, ToProxy } from "../ipc/messages.ts";
import type { ServerEjection } from "../ipc/server-ejection.ts";
import type { DrainedOpen, ServerStanding } from "../ipc/standing.ts";
import type { ProxiedTraffic, ProxyStatus } from "../ipc/status.ts";
import { Admission } from "./admission/admission.ts";
import { AccessLogs } from "./access-logs.ts";
import { CacheStore } from "./cache/cache-store.ts";
import { ChangedUrls } from "./cache/changed-urls.ts";
import { Flights } from "./cache/flights.ts";
import type { SharedCache } from "./cache/route-cache.ts";
import { certificateBooks, doorOptions, openConnection, openDoor, type Door } from "./door.ts";
import { ConnectionBook } from "./connection-book.ts";
import { letIn } from "./connection-limits.ts";
import { DatagramRelays } from "./datagram-relays.ts";
import { Departures } from "./departures.ts";
import { Counters, type Engine } from "./engine.ts";
import type { Listener } from "./listener.ts";
import { NewClients } from "./new-clients.ts";
import { RelayedClient } from "./relay.ts";
import { HostTable } from "./routes.ts";
import { Persistence } from "./persistence.ts";
import { ServerLoad } from "./server-load.ts";
import {
  applyStandings,
  compileSnapshot,
  poolKey,
  shortestTimeoutMs,
  type Site,
  type Snapshot,
  type SnapshotContext,
} from "./snapshot.ts";
import { diallingHandlers, socketHandlers } from "./sockets.ts";
import { Suspects } from "./suspects.ts";
import { Sweep } from "./sweep.ts";
import type { Tell } from "./tell.ts";
import { upstreamTls, type UpstreamTls } from "./tls/upstream-tls.ts";
import { UpstreamPool } from "./upstream-pool.ts";
import { UpstreamState } from "./upstream-state.ts";

const emptyPlan: ProxyPlan = {
  workers: 0,
  user: "",
  mostFlows: 0,
  mostConnections: null,
  drainMs: 0,
  cacheBytes: 0,
  listeners: [],
  relays: [],
  upstreams: [],
  sites: [],
};

type Configuration = Extract<ToProxy, { readonly kind: "configure" }>;

/** One proxy process: its sockets, its plan, its connections. */
export class Worker {
  private readonly engine: Engine;
  private readonly doors = new Map<string, Door>();
  private readonly listeners = new Map<string, Listener>();
  private readonly pools = new Map<string, UpstreamPool>();
  /** How the upstreams of the present plan are spoken to, by name; those that are missing in clear text. */
  private secured: ReadonlyMap<string, UpstreamTls> = new Map();
  private readonly states = new Map<string, UpstreamState>();
  private readonly tell: Tell;
  private readonly loads = new Map<string, ServerLoad>();
  private readonly persistences = new Map<string, Persistence>();
  private readonly newClients: NewClients;
  private readonly admission: Admission;
  private readonly logs: AccessLogs;
  private readonly cache: SharedCache;
  private readonly departures: Departures;
  private readonly datagrams: DatagramRelays;
  /** When what is still open is cut, while the process drains. */
  private drainBy = Number.POSITIVE_INFINITY;

  constructor(log: Log, tell: Tell) {
    this.logs = new AccessLogs(log);
    this.tell = tell;
    const handlers = socketHandlers(log);
    this.newClients = new NewClients(tell.clients);
    this.admission = new Admission(tell.spent);
    const changed = new ChangedUrls(tell.changed);
    this.cache = { store: new CacheStore(), flights: new Flights(), tellChanged: (url) => changed.add(url) };
    this.engine = {
      snapshot: compileSnapshot(emptyPlan, this.context({})),
      isDraining: false,
      departing: new Set(),
      sweep: new Sweep(() => this.logs.flush()),
      handlers,
      dialHandlers: diallingHandlers(handlers),
      log,
      suspects: new Suspects(tell.suspects),
      counters: new Counters(),
      connections: new ConnectionBook(),
      quietUntil: 0,
      clients: new Set(),
      tunnels: new Set(),
    };
    this.departures = new Departures(this.engine, tell.departure);
    this.datagrams = new DatagramRelays(this.engine);
  }

  /** Puts a plan into force for all requests that begin from now on; throws, with nothing changed for clients, if it cannot. */
  configure({ plan, sockets, standings, clients, credentials, pages }: Configuration): void {
    const entrances = this.entrances(plan);
    const missing = [...entrances.keys()].filter((name) => !this.doors.has(name));
    for (const name of missing) {
      if (sockets[name] === undefined) throw new Error(`no listening socket for ${name}`);
    }
    const books = certificateBooks(plan, credentials);
    this.secured = new Map(
      plan.upstreams.flatMap(({ name, tls }) =>
        tls === null ? [] : [[name, upstreamTls(tls, credentials)] as const],
      ),
    );
    const snapshot = compileSnapshot(plan, this.context(credentials), pages);
    // Before the first of them can come.
    this.heardClients(clients);
    this.datagrams.configure(plan, snapshot, sockets);
    const options = doorOptions(plan, credentials);
    for (const name of missing) {
      this.doors.set(name, openDoor(this.engine, sockets[name] ?? -1, options.get(name) ?? null));
    }
    applyStandings(snapshot.servers, standings);
    this.engine.snapshot = snapshot;
    this.engine.sweep.setTick(Math.min(1000, Math.max(50, shortestTimeoutMs(plan) / 4)));
    for (const [name, door] of this.doors) {
      const accept = entrances.get(name);
      if (accept !== undefined) {
        door.accept = accept(snapshot);
        door.book = books.get(name) ?? null;
        continue;
      }
      door.server.stop();
      this.doors.delete(name);
    }
    this.cache.store.setMost(plan.cacheBytes);
    this.retire(plan);
  }

  /** Takes how servers stand for which that has changed. */
  setStandings(standings: readonly ServerStanding[]): void {
    applyStandings(this.engine.snapshot.servers, standings);
  }

  /** Tells what has passed to each server, by its id. */
  traffic(): Readonly<Record<string, ProxiedTraffic>> {
    const { servers } = this.engine.snapshot;
    const all = servers.map(({ id, connections }) => [id, connections.traffic()] as const);
    return Object.fromEntries(
      all.filter(([, { open, idle, total, ejected }]) => open + idle + total > 0 || ejected !== null),
    );
  }

  /** Tells how many connections there are to servers that the operator has taken out. */
  drained(): readonly DrainedOpen[] {
    return this.engine.snapshot.servers.flatMap(({ id, connections }) => {
      const since = connections.drainedSince;
      return since === null ? [] : [{ server: id, since, open: connections.traffic().open }];
    });
  }

  /** Opens the files of access logs anew. */
  reopenLogs(): void {
    this.logs.reopen();
  }

  /** Removes stored responses that a pattern names, or those to one URL. */
  purge({ isUrl, pattern }: { readonly isUrl: boolean; readonly pattern: string }): void {
    if (isUrl) this.cache.store.removeUrl(pattern);
    else this.cache.store.purge(pattern);
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

  /** Takes what was spent of rate limits in other processes. */
  heardSpent(notes: readonly SpentNote[]): void {
    this.admission.heard(notes);
  }

  /** Sees to the connections to addresses that are about to move to another node. */
  depart(departure: Departure): void {
    this.departures.begin(departure);
    const { addresses, step } = departure;
    if (step.kind === "over" && step.isGone) this.datagrams.cut(addresses);
  }

  /**
   * Accepts no more and lets what is open finish; `onEmpty` is called once when nothing is left, at the deadline at the
   * latest. Another call may make the deadline earlier.
   */
  drain(deadlineMs: number, onEmpty: () => void): void {
    const { engine } = this;
    this.drainBy = Math.min(this.drainBy, performance.now() + deadlineMs);
    if (engine.isDraining) return;
    engine.isDraining = true;
    for (const door of this.doors.values()) door.server.stop();
    this.doors.clear();
    this.datagrams.close();
    for (const client of engine.clients) client.closeSoon();
    const timer = setInterval(() => {
      if (performance.now() >= this.drainBy) {
        for (const client of engine.clients) client.cut();
        for (const tunnel of engine.tunnels) tunnel.cut();
      } else if (engine.clients.size + engine.tunnels.size > 0) {
        return;
      }
      clearInterval(timer);
      this.close();
      onEmpty();
    }, 20);
  }

  /** Tells what the process is doing. */
  status(): ProxyStatus {
    const { clients, counters, tunnels } = this.engine;
    const responses: Record<string, number> = {};
    for (let digit = 1; digit <= 5; digit++) responses[`${digit}xx`] = counters.responses[digit] ?? 0;
    return {
      pid: process.pid,
      connections: clients.size + tunnels.size + this.datagrams.flowCount,
      requests: counters.requests,
      responses,
      residentBytes: process.memoryUsage.rss(),
    };
  }

  private close(): void {
    for (const pool of this.pools.values()) pool.retire();
    this.logs.close();
    this.engine.sweep.close();
  }

  /** Gives for each endpoint of a plan how to find what accepts there. */
  private entrances(plan: ProxyPlan): Map<string, (snapshot: Snapshot) => Door["accept"]> {
    const entrances = new Map<string, (snapshot: Snapshot) => Door["accept"]>();
    const { engine } = this;
    for (const listenerPlan of plan.listeners) {
      const accept = (snapshot: Snapshot): Door["accept"] => {
        const listener = this.listener(listenerPlan, snapshot);
        return (client) => {
          if (letIn(engine, listener, client.wire)) openConnection(engine, listener, client);
        };
      };
      for (const socket of listenerPlan.sockets) entrances.set(formatEndpoint(socket), accept);
    }
    for (const relayPlan of plan.relays) {
      if (relayPlan.udp !== null) continue;
      const accept = (snapshot: Snapshot): Door["accept"] => {
        const relay = snapshot.relays.get(relayPlan.name);
        return (client) => {
          if (relay === undefined) client.wire.terminate();
          else if (letIn(engine, null, client.wire))
            client.wire.data = new RelayedClient(engine, relay, client);
        };
      };
      for (const socket of relayPlan.sockets) entrances.set(formatEndpoint(socket), accept);
    }
    return entrances;
  }

  /** Gives the listener of a name with a new plan in it: the connections it has already see that one too. */
  private listener(plan: ListenerPlan, snapshot: Snapshot): Listener {
    const hosts = snapshot.hosts.get(plan.name) ?? new HostTable<Site>();
    const known = this.listeners.get(plan.name);
    if (known === undefined) {
      const listener = { plan, hosts };
      this.listeners.set(plan.name, listener);
      return listener;
    }
    known.plan = plan;
    known.hosts = hosts;
    return known;
  }

  private context(files: Configuration["credentials"]): SnapshotContext {
    return {
      pool: (upstream, endpoint) => this.pool(upstream, endpoint),
      state: (upstream) => this.state(upstream),
      load: (relay, server, workers) => this.load(relay, server, workers),
      persistence: (relay) => this.persistence(relay),
      accessLog: (log) => this.logs.open(log),
      gates: (admission) => this.admission.gates(admission, (path) => files[path] ?? ""),
      file: (path) => files[path] ?? "",
      cache: this.cache,
      random: () => Math.random(),
    };
  }

  private pool(upstream: UpstreamPlan, endpoint: Endpoint): UpstreamPool {
    const key = this.poolKey(upstream.name, endpoint);
    const tls = this.secured.get(upstream.name) ?? null;
    const pool = this.pools.get(key) ?? new UpstreamPool(endpoint, tls, this.engine);
    this.pools.set(key, pool);
    pool.setHttp2(upstream.http2);
    pool.setLimits(upstream.keepAliveConnections, upstream.keepAliveIdleMs);
    pool.setProxyProtocol(upstream.proxyProtocol);
    return pool;
  }

  /** A server that is to be spoken to otherwise has other connections. */
  private poolKey(upstream: string, endpoint: Endpoint): string {
    return `${poolKey(upstream, endpoint)} ${this.secured.get(upstream)?.mark ?? ""}`;
  }

  private state(name: string): UpstreamState {
    const known = this.states.get(name);
    if (known !== undefined) return known;
    const state = new UpstreamState({
      now: () => this.engine.sweep.now,
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

  private load(relay: string, server: RelayServerPlan, workers: number): ServerLoad {
    const key = poolKey(relay, server);
    const load = this.loads.get(key) ?? new ServerLoad();
    this.loads.set(key, load);
    load.setThresholds(server, workers);
    return load;
  }

  private persistence(relay: RelayPlan): Persistence | null {
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

  /** Lets go of what the plan before had and this one has not. */
  private retire(plan: ProxyPlan): void {
    this.admission.share(plan.workers > 1);
    this.admission.retain(
      new Set(
        plan.sites.flatMap(({ routes }) => routes.map(({ admission }) => admission.rateLimit?.id ?? "")),
      ),
    );
    const keys = new Set(
      plan.upstreams.flatMap(({ name, servers }) => servers.map((server) => this.poolKey(name, server))),
    );
    for (const [key, pool] of this.pools) {
      if (keys.has(key)) continue;
      pool.retire();
      this.pools.delete(key);
    }
    const names = new Set(plan.upstreams.map(({ name }) => name));
    for (const [name, state] of this.states) {
      if (names.has(name)) continue;
      this.engine.sweep.remove(state);
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
    this.logs.retain(plan.sites);
  }
}
