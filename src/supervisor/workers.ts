import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { FoundName } from "../config/lookup-plan.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { closeListener } from "../kernel/listen.ts";
import type { ClientNote } from "../ipc/client-book.ts";
import type { DepartureReply } from "../ipc/departure.ts";
import { listeningSockets } from "../ipc/listening-socket.ts";
import type { FromProxy, ProxyNews, ToProxy } from "../ipc/messages.ts";
import type { Pages } from "../ipc/pages.ts";
import type { DrainedOpen, ServerStanding } from "../ipc/standing.ts";
import type { ProcessStatus, ProxiedTraffic, ProxyStatus } from "../ipc/status.ts";
import { prepareAccessLogs } from "./access-logs.ts";
import { prepareCacheFolders } from "./cache-folders.ts";
import { drainedOpen } from "./proxied-sums.ts";
import { lastingTls, readCredentials, type Credentials } from "./credentials.ts";
import { takeOverSockets, type InheritedSocket } from "./inherited-sockets.ts";
import { Keeper, type Outcome } from "./keeper.ts";
import { startProxy } from "./proxy-child.ts";
import { RelayClients } from "./relay-clients.ts";
import { Replaced } from "./replaced.ts";
import type { Seats } from "./seats.ts";
import type { SlotOffice } from "./slot-office.ts";
import type { SocketStore } from "./socket-store.ts";
import { closeUnused, hold, openSockets, sameSockets, type SocketSet } from "./sockets.ts";
import { TrafficQuestion } from "./traffic-question.ts";
import { readPages } from "./pages.ts";
import { proxyUser } from "./user.ts";

/** What the proxies need from the supervisor. */
export interface WorkersOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How all servers stand, for a process that starts. */
  readonly standings: () => readonly ServerStanding[];
  /** What names of servers stand for, likewise. */
  readonly found: () => readonly FoundName[];
  /** Called with the connections to servers that were taken out, when a process has told of its own. */
  readonly onDrained: (open: readonly DrainedOpen[]) => void;
  /** Called when a process begins or ceases to serve. */
  readonly onChange: () => void;
  /** Called with a process's answer about connections to addresses that are about to move. */
  readonly onDeparture: (keeper: WorkerKeeper, reply: DepartureReply) => void;
  /** Called with probes whose servers have failed clients of a process. */
  readonly onSuspects: (probes: readonly string[]) => void;
  /** Called when a process is gone. */
  readonly onGone: (keeper: WorkerKeeper) => void;
  /** Sockets that were open when this program started. */
  readonly inherited: readonly InheritedSocket[];
  readonly store: SocketStore;
  /** Where the processes count what is limited for all of them together. */
  readonly seats: Seats;
  /** Lends them slots of it where they have to wait for one. */
  readonly slots: SlotOffice;
}

/** What keeps a proxy process alive. */
export type WorkerKeeper = Keeper<ToProxy, FromProxy>;

interface Worker {
  readonly keeper: WorkerKeeper;
  status: ProxyStatus | null;
  /** What it last said of servers that were taken out; null until it has. */
  drained: readonly DrainedOpen[] | null;
  /** Has it finish what is open, and resolves when it is gone. */
  leave(deadlineMs: number): Promise<void>;
}

/** Connections get this long to end when the service stops; `[proxy] drain` is for processes that are replaced. */
const stopMs = 2_000;
/** What a process may take beyond its deadline before it is killed. */
const patienceMs = 1_000;

/** So long is waited for an answer. */
const outliveLimitMs = 2_000;

/** Gives the pids of those that will go on, and of those that are too busy to say so yet: they read it before the line is closed. */
async function outliving(workers: readonly Worker[], drainMs: number): Promise<readonly number[]> {
  const pids = await Promise.all(
    workers.map(
      async ({ keeper }) =>
        (await keeper.outlive({ kind: "outlive", drainMs }, outliveLimitMs)) ?? keeper.pid,
    ),
  );
  return pids.filter((pid) => pid > 0);
}

/** The proxy processes: one for each core, with their listening sockets. */
export class Workers {
  readonly #options: WorkersOptions;
  #plan: ProxyPlan | null = null;
  #credentials: Credentials = {};
  /** What stands in the pages that a plan names, from when it was read. */
  readonly #pages = new WeakMap<ProxyPlan, Pages>();
  #sockets: SocketSet[] = [];
  #workers: Worker[] = [];
  #starting: Worker[] = [];
  /** Processes that were replaced, and still have connections to finish. */
  readonly #replaced: Replaced<Worker>;
  readonly #clients = new RelayClients();
  readonly #question: TrafficQuestion<WorkerKeeper>;
  #isRetired = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#replaced = new Replaced(options.log);
    this.#question = new TrafficQuestion(options.clock, (keeper, id) => keeper.send({ kind: "show", id }));
  }

  /** Whether this node has anything for a proxy to do. */
  get isNeeded(): boolean {
    return this.#plan !== null && listeningSockets(this.#plan).size > 0;
  }

  /** Whether at least one process serves. */
  get serves(): boolean {
    return this.#workers.some(({ keeper }) => keeper.isServing);
  }

  /**
   * Brings the processes to a plan. The same sockets: they get the new plan in place. Other sockets or another
   * number of processes: a new set is started and, once it serves, the old one is drained, so that no request is
   * lost. Refused with everything as it was if a socket cannot be opened or a process refuses.
   */
  async configure(plan: ProxyPlan): Promise<Outcome> {
    const count = listeningSockets(plan).size === 0 ? 0 : plan.workers;
    const { inherited, log, store } = this.#options;
    if (this.#plan === null && this.#sockets.length === 0) {
      this.#sockets = [...takeOverSockets(inherited, plan, log)];
    }
    const before = this.#sockets;
    let after: SocketSet[];
    let credentials: Credentials;
    try {
      // Going back to a plan must not fail for want of a file that has gone meanwhile.
      credentials = plan === this.#plan ? this.#credentials : readCredentials(plan);
      if (!this.#pages.has(plan)) this.#pages.set(plan, readPages(plan));
      prepareAccessLogs(plan, proxyUser(plan.user));
      prepareCacheFolders(plan, proxyUser(plan.user), log);
      after = openSockets(plan, count, before, log);
    } catch (error) {
      return { kind: "refused", reason: error instanceof Error ? error.message : String(error) };
    }
    const old = this.#credentials;
    this.#credentials = credentials;
    const isInPlace =
      sameSockets(before, after) &&
      this.#plan !== null &&
      this.#plan.user === plan.user &&
      lastingTls(this.#plan, old) === lastingTls(plan, credentials);
    const outcome = isInPlace ? await this.#reconfigure(plan, old) : await this.#replace(plan, after);
    // Whoever stops closes the sockets itself.
    if (this.#isRetired) return { kind: "refused", reason: "the service is stopping" };
    if (outcome.kind === "configured") this.#clients.keep(plan);
    if (outcome.kind === "refused") this.#credentials = old;
    if (outcome.kind === "refused") closeUnused(after, before);
    else if (!isInPlace) closeUnused(before, after);
    store.keep(this.#sockets);
    return outcome;
  }

  /** Passes on to every process how servers stand; those that finish have connections to them, too. */
  sendStandings(standings: readonly ServerStanding[]): void {
    for (const keeper of this.keepers) keeper.send({ kind: "standings", standings });
  }

  /** Passes on to every process what names of servers stand for. */
  sendFound(names: readonly FoundName[]): void {
    for (const keeper of this.keepers) keeper.send({ kind: "found", names });
  }

  /** Gives what has passed to each server, by the word of all processes. */
  traffic(): Promise<ReadonlyMap<string, ProxiedTraffic>> {
    return this.#question.answers(this.keepers.filter(({ isServing }) => isServing));
  }

  /** Every process that may have open connections. */
  get keepers(): readonly WorkerKeeper[] {
    return [...this.#workers, ...this.#replaced.all].map(({ keeper }) => keeper);
  }

  /** Every process there is: those that are about to take over may have stored something before they are counted on. */
  get #everyone(): readonly WorkerKeeper[] {
    return [...this.keepers, ...this.#starting.map(({ keeper }) => keeper)];
  }

  /** Has every process remove what it has stored of these; gives how many processes there are. */
  purge(pattern: string): number {
    const everyone = this.#everyone;
    for (const keeper of everyone) keeper.send({ kind: "purge", pattern });
    return everyone.length;
  }

  /** Leaves new connections to these addresses unanswered, and to no others. */
  hold(addresses: readonly string[]): void {
    for (const set of this.#sockets) hold(set, addresses);
  }

  /** Tells every process to go on when another program takes this one's place; gives their pids, and the sockets. */
  async outlive(drainMs: number): Promise<{
    readonly proxies: readonly number[];
    readonly leaving: readonly number[];
    readonly sockets: readonly InheritedSocket[];
  }> {
    // Those that were replaced have their time already.
    const [proxies, leaving] = await Promise.all([
      outliving(this.#workers, drainMs),
      outliving(this.#replaced.all, stopMs),
    ]);
    const sockets = this.#sockets
      .flatMap((set) => [...set.values()])
      .map((descriptor) => ({ descriptor, storedAs: this.#options.store.nameOf(descriptor) }));
    return { proxies, leaving, sockets };
  }

  /** Has access logs written to new files where the old ones were moved away; throws if one cannot be made. */
  reopenLogs(): void {
    if (this.#plan !== null) prepareAccessLogs(this.#plan, proxyUser(this.#plan.user));
    for (const keeper of this.keepers) keeper.send({ kind: "reopen" });
  }

  /** Starts no process again that ends. */
  retire(): void {
    this.#isRetired = true;
    for (const { keeper } of this.#workers) keeper.retire();
  }

  /** Stops every process and closes every socket. */
  async stop(): Promise<void> {
    this.#options.store.close();
    await Promise.all([...this.#workers.map((worker) => worker.leave(stopMs)), this.#replaced.stop(stopMs)]);
    for (const set of this.#sockets) for (const descriptor of set.values()) closeListener(descriptor);
    this.#sockets = [];
    this.#workers = [];
  }

  /** What the processes last said of themselves. */
  statuses(): ProxyStatus[] {
    return this.#workers.flatMap(({ status }) => (status === null ? [] : [status]));
  }

  /** What `status` shows of the processes. */
  processes(): ProcessStatus[] {
    return this.#workers.map(({ keeper }, index) => keeper.status(`proxy ${index}`));
  }

  async #reconfigure(plan: ProxyPlan, oldCredentials: Credentials): Promise<Outcome> {
    const old = this.#plan;
    this.#plan = plan;
    const outcomes = await Promise.all(
      this.#workers.map(({ keeper }, index) =>
        keeper.configure(this.#configuration(plan, { index, sockets: this.#sockets[index] })),
      ),
    );
    const refusal = outcomes.find((outcome) => outcome.kind === "refused");
    if (refusal === undefined || old === null) return refusal ?? { kind: "configured" };
    this.#plan = old;
    this.#credentials = oldCredentials;
    await Promise.all(
      this.#workers.map(({ keeper }, index) =>
        keeper.configure(this.#configuration(old, { index, sockets: this.#sockets[index] })),
      ),
    );
    return refusal;
  }

  async #replace(plan: ProxyPlan, sockets: SocketSet[]): Promise<Outcome> {
    const old = { plan: this.#plan, workers: this.#workers };
    const workers = sockets.map((set, index) => this.#makeWorker(plan, set, index));
    this.#starting = workers;
    const outcomes = await Promise.all(workers.map(({ keeper }) => keeper.start()));
    this.#starting = [];
    const refusal = outcomes.find((outcome) => outcome.kind === "refused");
    if (refusal !== undefined) {
      await Promise.all(workers.map((worker) => worker.leave(0)));
      return refusal;
    }
    this.#plan = plan;
    this.#sockets = sockets;
    this.#workers = workers;
    // What was found, and where clients went, while the last of them started has not reached the first.
    this.sendFound(this.#options.found());
    this.sendStandings(this.#options.standings());
    const clients = this.#clients.notes(this.#options.clock.now());
    if (clients.length > 0) for (const { keeper } of workers) keeper.send({ kind: "clients", clients });
    this.#replaced.add(old.workers, plan.drainMs);
    this.#options.onChange();
    return { kind: "configured" };
  }

  #makeWorker(plan: ProxyPlan, sockets: SocketSet, index: number): Worker {
    const { clock, log, onChange, onDeparture, onGone, onSuspects, seats, slots } = this.#options;
    const worker: Worker = {
      status: null,
      drained: null,
      leave: (deadlineMs) => worker.keeper.stop({ kind: "drain", deadlineMs }, deadlineMs + patienceMs),
      keeper: new Keeper<ToProxy, FromProxy>({
        name: `proxy ${index}`,
        clock,
        log,
        start: (handlers) =>
          startProxy(seats, { descriptors: [...sockets.values()], user: proxyUser(plan.user), ...handlers }),
        // A process that comes back later gets the plan in force then.
        configuration: () =>
          this.#configuration(this.#workers.includes(worker) ? (this.#plan ?? plan) : plan, {
            index,
            sockets,
            clients: this.#clients.notes(clock.now()),
          }),
        onMessage: (message) => {
          switch (message.kind) {
            case "status":
              return this.#heardStatus(worker, message);
            case "servers":
              return this.#question.heard(worker.keeper, message.id, message.servers);
            case "clients":
              this.#clients.note(message.clients, clock.now());
              return this.#tellOthers(message, worker);
            case "spent":
            case "open":
            case "ejections":
            case "disk":
            case "changed":
              return this.#tellOthers(message, worker);
            case "slots":
              return slots.heard(worker.keeper, message.news);
            case "suspects":
              return onSuspects(message.probes);
            case "departure":
              return onDeparture(worker.keeper, message.reply);
            case "hello":
            case "configured":
            case "refused":
            case "outlives":
              // The keeper's affair, and that of who asked.
              return;
          }
        },
        onChange: () => {
          onChange();
          if (worker.keeper.isServing) return;
          worker.drained = null;
          this.#question.forget(worker.keeper);
          slots.forget(worker.keeper);
          onGone(worker.keeper);
        },
      }),
    };
    return worker;
  }

  #heardStatus(worker: Worker, { status, drained }: FromProxy & { kind: "status" }): void {
    worker.status = status;
    const hadAny = worker.drained !== null && worker.drained.length > 0;
    worker.drained = drained;
    if (drained.length === 0 && !hadAny) return;
    const serving = [...this.#workers, ...this.#replaced.all].filter(({ keeper }) => keeper.isServing);
    this.#options.onDrained(drainedOpen(serving.map((one) => one.drained)));
  }

  #tellOthers(news: ProxyNews, from: Worker): void {
    for (const keeper of this.#everyone) if (keeper !== from.keeper) keeper.send(news);
  }

  /** `clients` is what a process that starts has to know; one that runs has heard it. */
  #configuration(
    plan: ProxyPlan,
    {
      clients = [],
      index,
      sockets,
    }: { index: number; sockets: SocketSet | undefined; clients?: readonly ClientNote[] },
  ): ToProxy {
    const names = [...(sockets?.keys() ?? [])];
    // Descriptors 0, 1 and 2 are the standard streams; the inherited sockets follow in order.
    const byName = Object.fromEntries(names.map((name, at) => [name, 3 + at]));
    const counts = 3 + names.length;
    const [standings, found] = [this.#options.standings(), this.#options.found()];
    const credentials = this.#credentials;
    const pages = this.#pages.get(plan) ?? {};
    const told = { standings, clients, credentials, pages, found, keepsDisks: index === 0 };
    return { kind: "configure", plan, sockets: byName, counts, ...told };
  }
}
