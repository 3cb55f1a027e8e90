import type { Log } from "../base/log.ts";
import type { FoundName } from "../config/lookup-plan.ts";
import { foundByLookup, type Found } from "../config/named-servers.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import type { ClientNote } from "../ipc/client-book.ts";
import { mapMemory } from "../ipc/counts/memory.ts";
import type { Departure } from "../ipc/departure.ts";
import type { DiskNote } from "../ipc/disk-note.ts";
import type { SpentNote, ToProxy } from "../ipc/messages.ts";
import type { OpenNews } from "../ipc/open-news.ts";
import type { SlotWord } from "../ipc/slot-news.ts";
import type { ServerEjection } from "../ipc/server-ejection.ts";
import type { DrainedOpen, ServerStanding } from "../ipc/standing.ts";
import type { ProxiedTraffic, ProxyStatus } from "../ipc/status.ts";
import { Admission } from "./admission/admission.ts";
import { AccessLogs } from "./access-logs.ts";
import { ProcessCache } from "./cache/process-cache.ts";
import {
  certificateBooks,
  doorOptions,
  openDoor,
  openStreamDoor,
  type Door,
  type DoorOptions,
} from "./door.ts";
import { CommonCounts } from "./common-counts.ts";
import { ConnectionBook } from "./connection-book.ts";
import { DatagramRelays } from "./datagram-relays.ts";
import { Departures } from "./departures.ts";
import { Counters, type Engine } from "./engine.ts";
import { Entrances } from "./entrances.ts";
import { Http3Endpoints } from "./http3/endpoints.ts";
import { KnownServers } from "./known-servers.ts";
import { relayEntrances } from "./relay-flows.ts";
import {
  allServers,
  applyStandings,
  compileSnapshot,
  shortestTimeoutMs,
  takeFound,
  type Snapshot,
  type SnapshotContext,
} from "./snapshot.ts";
import { socketHandlers } from "./sockets.ts";
import { goesByOpen, OpenServers } from "./open-servers.ts";
import { OpenTelling } from "./open-telling.ts";
import { Streams } from "./streams/streams.ts";
import { Suspects } from "./suspects.ts";
import { Sweep } from "./sweep.ts";
import type { Tell } from "./tell.ts";

const emptyPlan: ProxyPlan = {
  workers: 0,
  user: "",
  mostFlows: 0,
  mostConnections: null,
  drainMs: 0,
  cacheBytes: 0,
  via: "edge-ha",
  listeners: [],
  relays: [],
  upstreams: [],
  sites: [],
};

/** Time that WebSockets get to hear why they end. */
const goodbyeMs = 200;

type Configuration = Extract<ToProxy, { readonly kind: "configure" }>;

/** One proxy process: its sockets, its plan, its connections. */
export class Worker {
  private readonly engine: Engine;
  private readonly counts = new CommonCounts();
  private readonly doors = new Map<string, Door>();
  private readonly entrances: Entrances;
  private readonly servers: KnownServers;
  private readonly open: OpenTelling;
  private readonly openServers: OpenServers;
  private readonly admission: Admission;
  private readonly logs: AccessLogs;
  private readonly cache: ProcessCache;
  private readonly departures: Departures;
  private readonly datagrams: DatagramRelays;
  private readonly http3: Http3Endpoints;
  private lastResidentBytes = 0;
  private found: Found = new Map();
  /** When what is still open is cut, while the process drains. */
  private drainBy = Number.POSITIVE_INFINITY;

  constructor(log: Log, tell: Tell) {
    this.logs = new AccessLogs(log);
    const handlers = socketHandlers(log);
    this.open = new OpenTelling(tell.open, (now) => this.openServers.exchange(this.engine.snapshot, now));
    this.openServers = new OpenServers(this.open.counts);
    this.admission = new Admission(tell.spent, this.counts);
    this.cache = new ProcessCache(log, tell);
    this.engine = {
      snapshot: compileSnapshot(emptyPlan, this.context({})),
      isDraining: false,
      departing: new Set(),
      sweep: new Sweep(() => this.logs.flush()),
      handlers,
      streams: new Streams(log),
      log,
      suspects: new Suspects(tell.suspects),
      counters: new Counters(),
      counts: this.counts,
      connections: new ConnectionBook(this.counts),
      quietUntil: 0,
      clients: new Set(),
      tunnels: new Set(),
      fronts: new Set(),
    };
    this.entrances = new Entrances(this.engine);
    this.servers = new KnownServers(this.engine, tell);
    this.departures = new Departures(this.engine, tell.departure);
    this.datagrams = new DatagramRelays(this.engine);
    this.http3 = new Http3Endpoints(this.engine, (name) => this.entrances.known(name));
  }

  /** Puts a plan into force for all requests that begin from now on; throws, with nothing changed for clients, if it cannot. */
  configure({
    plan,
    sockets,
    counts,
    standings,
    clients,
    credentials,
    pages,
    found,
    keepsDisks,
  }: Configuration): void {
    const entrances = this.entrances.of(plan);
    const missing = [...entrances.keys()].filter((name) => !this.doors.has(name));
    for (const name of missing) {
      if (sockets[name] === undefined) throw new Error(`no listening socket for ${name}`);
    }
    this.counts.join(() => mapMemory(counts), process.pid);
    const books = certificateBooks(plan, credentials);
    this.servers.secure(plan, credentials);
    this.found = foundByLookup(found);
    const snapshot = compileSnapshot(plan, this.context(credentials), pages);
    // Before the first of them can come.
    this.heardClients(clients);
    const datagrams = [...relayEntrances(plan, snapshot), ...this.http3.configure(plan, credentials)];
    this.datagrams.configure(plan, datagrams, sockets);
    const options = doorOptions(plan, credentials);
    for (const name of missing) {
      this.doors.set(name, this.openDoor(name, sockets[name] ?? -1, options));
    }
    applyStandings(allServers(snapshot), standings);
    this.engine.snapshot = snapshot;
    this.engine.sweep.setTick(Math.min(1000, Math.max(50, shortestTimeoutMs(plan) / 4)));
    for (const [name, door] of this.doors) {
      const accept = entrances.get(name);
      if (accept !== undefined) {
        door.accept = accept(snapshot);
        door.book = books.get(name) ?? null;
        continue;
      }
      door.stop();
      this.doors.delete(name);
    }
    this.cache.configure(plan, keepsDisks);
    this.retire(snapshot);
  }

  private openDoor(name: string, fd: number, options: ReadonlyMap<string, DoorOptions | null>): Door {
    const how = options.get(name) ?? null;
    return how === null ? openStreamDoor(this.engine, fd) : openDoor(this.engine, fd, how);
  }

  /** Takes what names of servers stand for. */
  setFound(names: readonly FoundName[]): void {
    this.found = new Map([...this.found, ...foundByLookup(names)]);
    const { snapshot } = this.engine;
    takeFound(snapshot, {
      found: this.found,
      pool: (upstream, server) => this.servers.pool(upstream, server),
    });
    this.servers.retainPools(snapshot.upstreams.values());
  }

  /** Takes how servers stand for which that has changed. */
  setStandings(standings: readonly ServerStanding[]): void {
    applyStandings(allServers(this.engine.snapshot), standings);
  }

  /** Tells what has passed to each server, by its id. */
  traffic(): Readonly<Record<string, ProxiedTraffic>> {
    const all = allServers(this.engine.snapshot).map(
      ({ id, connections }) => [id, connections.traffic()] as const,
    );
    return Object.fromEntries(
      all.filter(([, { open, idle, total, ejected }]) => open + idle + total > 0 || ejected !== null),
    );
  }

  /** Tells how many connections there are to servers that the operator has taken out. */
  drained(): readonly DrainedOpen[] {
    return allServers(this.engine.snapshot).flatMap(({ id, connections }) => {
      const since = connections.drainedSince;
      return since === null ? [] : [{ server: id, since, open: connections.traffic().open }];
    });
  }

  /** Opens the files of access logs anew. */
  reopenLogs(): void {
    this.logs.reopen();
  }

  /** Removes stored responses that a pattern names. */
  purge(pattern: string): void {
    this.cache.purge(pattern);
  }

  /** Takes which URLs requests have changed in other processes. */
  heardChanges(urls: readonly string[]): void {
    this.cache.heardChanges(urls);
  }

  /** Takes what other processes did on disks that caches are on. */
  heardDisk(notes: readonly DiskNote[]): void {
    this.cache.heard(notes);
  }

  /** Takes which servers other processes leave alone. */
  heardEjections(ejections: readonly ServerEjection[]): void {
    this.servers.heardEjections(ejections);
  }

  /** Takes where clients went in other processes. */
  heardClients(clients: readonly ClientNote[]): void {
    this.servers.heardClients(clients);
  }

  /** Takes what was spent of rate limits in other processes. */
  heardSpent(notes: readonly SpentNote[]): void {
    this.admission.heard(notes);
  }

  /** Takes what other processes have open. */
  heardOpen(news: OpenNews): void {
    this.open.counts.heard(news, performance.now());
  }

  /** Takes what this process is lent of what is limited, and what others ask back. */
  heardSlots(words: readonly SlotWord[]): void {
    this.servers.slots.heard(words);
  }

  /** Another program comes in the place of the supervisor's: its processes begin beside this one. */
  outlive(): void {
    this.servers.slots.part();
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
    this.cache.release();
    this.servers.slots.leave();
    for (const door of this.doors.values()) door.stop();
    this.doors.clear();
    for (const client of engine.clients) client.closeSoon();
    this.datagrams.close();
    let hasSaidGoodbye = false;
    const timer = setInterval(() => {
      const isOver = performance.now() >= this.drainBy;
      const { slots } = this.servers;
      if (slots.hasSpare && !engine.clients.values().some(({ standing }) => standing === "idle"))
        slots.leaveAll();
      if (isOver && engine.tunnels.size > 0 && !hasSaidGoodbye) {
        hasSaidGoodbye = true;
        this.drainBy = performance.now() + goodbyeMs;
        for (const tunnel of engine.tunnels) tunnel.end();
        return;
      }
      if (isOver) {
        for (const client of engine.clients) client.cut();
        for (const tunnel of engine.tunnels) tunnel.cut();
        for (const front of engine.fronts) front.cut();
      } else if (
        engine.clients.size + engine.tunnels.size + engine.fronts.size + engine.streams.owing.size >
        0
      ) {
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
      residentBytes: this.residentBytes(),
      disks: this.cache.status(),
    };
  }

  private residentBytes(): number {
    try {
      this.lastResidentBytes = process.memoryUsage.rss();
    } catch {
      // The runtime opens a file for that, and clients may have all descriptors: it is what it was.
    }
    return this.lastResidentBytes;
  }

  private close(): void {
    this.servers.retire();
    this.logs.close();
    this.open.share(false);
    this.engine.sweep.close();
  }

  private context(files: Configuration["credentials"]): SnapshotContext {
    return {
      pool: (upstream, server) => this.servers.pool(upstream, server),
      found: this.found,
      state: (upstream) => this.servers.state(upstream),
      load: (relay, server) => this.servers.load(relay, server),
      persistence: (relay) => this.servers.persistence(relay),
      accessLog: (log) => this.logs.open(log),
      gates: (admission) => this.admission.gates(admission, (path) => files[path] ?? ""),
      file: (path) => files[path] ?? "",
      cache: this.cache,
      random: () => Math.random(),
    };
  }

  /** Lets go of what the plan before had and this one has not. */
  private retire(snapshot: Snapshot): void {
    const { plan } = snapshot;
    const admissions = plan.sites.flatMap(({ routes }) => routes.map(({ admission }) => admission));
    this.admission.share(plan.workers > 1);
    this.admission.retain(new Set(admissions.map(({ rateLimit }) => rateLimit?.id ?? "")));
    this.open.share(plan.workers > 1 && goesByOpen(snapshot));
    this.openServers.exchange(snapshot, performance.now());
    this.servers.retain(snapshot);
    this.http3.retain(plan);
    this.logs.retain(plan.sites);
  }
}
