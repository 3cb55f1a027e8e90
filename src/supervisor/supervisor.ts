import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { NodePlan } from "../config/node-plan.ts";
import type { DrainOrder, DrainOutcome, DrainReport } from "../ipc/drain.ts";
import type { HandoverOrder, HandoverOutcome, HandoverReport } from "../ipc/handover.ts";
import type { PurgeOrder, PurgeReport } from "../ipc/purge.ts";
import type { FromDirector, FromVrrp, ToDirector, ToVrrp } from "../ipc/messages.ts";
import type { ConfigStatus, NodeStatus } from "../ipc/status.ts";
import { DirectorFindings } from "./director-findings.ts";
import { DirectorOrders } from "./director-orders.ts";
import { DirectorView } from "./director-view.ts";
import { Ahead, type ChildHandlers } from "./ahead.ts";
import { type Child, startChild } from "./child.ts";
import { Departures } from "./departures.ts";
import { ElectionsView } from "./elections-view.ts";
import { inTime } from "./in-time.ts";
import { Inheritance } from "./inheritance.ts";
import type { InheritedSocket } from "./inherited-sockets.ts";
import { Keeper, type Outcome } from "./keeper.ts";
import { Orders } from "./orders.ts";
import { scriptUsers } from "./script-users.ts";
import { SocketStore, type DescriptorKeeper } from "./socket-store.ts";
import type { Succession } from "./succession.ts";
import { trackedVerdicts } from "./tracked-verdicts.ts";
import { newVitality, nextLook, observe, type Vitality } from "./vitality.ts";
import { withTraffic } from "./proxied-sums.ts";
import { type WorkerKeeper, Workers } from "./workers.ts";

/** What the supervisor is made with. */
export interface SupervisorOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Where the director process comes from. */
  readonly director: Pick<Ahead<ToDirector, FromDirector>, "take">;
  /** Listening sockets that were open when this program started. */
  readonly inherited: readonly InheritedSocket[];
  /** What the program has left whose place this one has taken, or null. */
  readonly succession: Succession | null;
  /** Who keeps them for the next one. */
  readonly manager: DescriptorKeeper;
}

/** How long `vrrp` and `director` may take to clean up, beside the time that connections have to end. */
const stopLimitMs = 5_000;
/** And `director` while it shows that it goes on: a slow machine takes so long to remove thousands of services. */
const longestStopMs = 15_000;
/** How long the first claim waits for the proxies: after that an address without L7 beats no address. */
const startPatienceMs = 10_000;

function startElections(handlers: ChildHandlers<FromVrrp>): Child<ToVrrp> {
  return startChild<ToVrrp, FromVrrp>({ role: "vrrp", descriptors: [], user: null, ...handlers });
}

const stopping = { kind: "refused", reason: "the service is stopping" } as const;

/**
 * Holds the plan in force and keeps the children that carry it out: `vrrp`, `director` and the proxies.
 * Knows no protocol: it passes plans down, verdicts across and status up.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #startedAt: Date;
  readonly #bornAt: Instant;
  readonly #vrrp: Keeper<ToVrrp, FromVrrp>;
  /** The process that takes over the elections of the program before, which go on until it is there. */
  #vrrpAhead: Ahead<ToVrrp, FromVrrp> | null = null;
  readonly #director: Keeper<ToDirector, FromDirector>;
  readonly #orders = new DirectorOrders(
    () => this.#findings.verdicts,
    () => this.#findings.names,
  );
  readonly #workers: Workers;
  readonly #departures: Departures<WorkerKeeper>;
  readonly #findings = new DirectorFindings();
  #plan: NodePlan;
  readonly #elections: ElectionsView;
  readonly #view: DirectorView;
  #vitality: Vitality;
  #cancelLook: () => void = () => undefined;
  readonly #handovers: Orders<HandoverOrder, HandoverOutcome>;
  readonly #drains: Orders<DrainOrder, DrainOutcome>;
  #isStopping = false;
  /** What is left of the program before this one. */
  readonly #inheritance: Inheritance;

  constructor(plan: NodePlan, options: SupervisorOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#plan = plan;
    this.#startedAt = clock.wallTime();
    const { inherited, manager, succession } = options;
    this.#bornAt = later(clock.now(), -(succession?.uptimeMs ?? 0));
    this.#inheritance = new Inheritance(succession, { clock, log });
    this.#elections = new ElectionsView(clock, succession);
    this.#vitality = newVitality(clock.now());
    this.#workers = new Workers({
      clock,
      log,
      inherited,
      seats: this.#inheritance.seats,
      slots: this.#inheritance.slots,
      store: new SocketStore({ manager, clock, log, inherited }),
      standings: () => this.#findings.standings,
      found: () => this.#findings.names,
      onDrained: (open) => this.#director.send({ kind: "drained", open }),
      onChange: () => this.#look(),
      onDeparture: (keeper, reply) => this.#departures.answered(keeper, reply),
      onSuspects: (probes) => this.#director.send({ kind: "suspects", probes }),
      onGone: (keeper) => this.#departures.forget(keeper),
    });
    this.#departures = new Departures({
      proxies: () => this.#workers.keepers,
      send: (keeper, departure) => keeper.send({ kind: "departure", departure }),
      answer: (reply) => this.#vrrp.send({ kind: "departure", reply }),
      hold: (addresses) => this.#workers.hold(addresses),
    });
    this.#vrrp = new Keeper<ToVrrp, FromVrrp>({
      name: "vrrp",
      clock,
      log,
      start: (handlers) => this.#vrrpAhead?.take(handlers) ?? startElections(handlers),
      configuration: () => this.#vrrpMessage(this.#elections.adoptable(this.#plan.vrrp)),
      onMessage: (message) => this.#heardVrrp(message),
      onChange: () => this.#vrrpChanged(),
    });
    this.#director = new Keeper<ToDirector, FromDirector>({
      name: "director",
      clock,
      log,
      start: (handlers) => options.director.take(handlers),
      configuration: () => this.#orders.whole(this.#plan.director, (part) => this.#director.send(part)),
      onMessage: (message) => this.#heardDirector(message),
      onChange: () => this.#directorChanged(),
    });
    this.#handovers = new Orders({
      refusal: () => this.#refusalOf(this.#vrrp.isServing, "vrrp"),
      send: (id, order) => this.#vrrp.send({ kind: "handover", id, order }),
    });
    this.#drains = new Orders({
      refusal: () => this.#refusalOf(this.#director.isServing, "director"),
      send: (id, order) => this.#director.send({ kind: "drain", id, order }),
    });
    this.#view = new DirectorView(clock, () => this.#director.send({ kind: "show" }));
  }

  /** Starts everything; the claim for addresses comes last, when the node is able to serve them. */
  async start(): Promise<Outcome> {
    // The director first: it knows which servers the operator has taken out.
    const director = await this.#director.start();
    if (director.kind === "refused") return director;
    if (this.#isStopping) return stopping;
    const { clock, succession } = this.#options;
    if (succession !== null) this.#vrrpAhead = new Ahead(startElections);
    const workers = await inTime(this.#workers.configure(this.#plan.proxy), clock, startPatienceMs);
    if (workers.kind === "refused") return workers;
    if (this.#isStopping) return stopping;
    this.#look();
    // Other nodes wait for an advertisement as long as there is none: less than a busy host takes to start a process.
    if (this.#vrrpAhead !== null) await inTime(this.#vrrpAhead.hasSpoken, clock, startPatienceMs);
    if (this.#isStopping) return stopping;
    await this.#inheritance.endElections();
    if (this.#isStopping) return stopping;
    this.#elections.keptUntilNow();
    const vrrp = await this.#vrrp.start();
    this.#inheritance.release();
    return vrrp;
  }

  /**
   * Has the children go on that answer clients and hold addresses, and gives what another program needs in this one's place;
   * null if the service is stopped meanwhile.
   */
  async prepareSuccession(): Promise<Succession | null> {
    if (this.#isStopping) return null;
    // What is lent now would be on its way when nobody counts it any more.
    this.#inheritance.slots.pause();
    const [{ proxies, leaving, sockets }, vrrp] = await Promise.all([
      this.#workers.outlive(this.#plan.proxy.drainMs),
      this.#vrrp.outlive({ kind: "outlive" }, stopLimitMs),
    ]);
    if (this.#isStopping) {
      this.goOn();
      return null;
    }
    const director = this.#director.status("director").pid;
    return {
      format: 1,
      sockets,
      counts: this.#inheritance.seats.descriptor,
      slots: this.#inheritance.slots.limits,
      vrrp,
      proxies,
      leaving: [...leaving, ...this.#inheritance.left, ...(director > 0 ? [director] : [])],
      active: this.#elections.active,
      handedOver: this.#elections.handedOver,
      uptimeMs: this.#options.clock.now() - this.#bornAt,
    };
  }

  /** The last thing before another program comes: checks pause, and the kernel's table stays as it is. */
  letGo(): void {
    this.#director.kill();
  }

  /** The other program has not come. */
  goOn(): void {
    this.#inheritance.slots.goOn();
  }

  /** Brings everything to a new plan, or, if one child refuses it, everything back to the old one. */
  async reload(plan: NodePlan): Promise<Outcome> {
    if (this.#isStopping) return stopping;
    const old = this.#plan;
    const refusal = await this.#carryOut(plan);
    if (refusal === null) return { kind: "configured" };
    if (this.#isStopping) return stopping;
    const again = await this.#carryOut(old);
    if (again !== null)
      this.#options.log.error(`going back to the old configuration failed too: ${again.reason}`);
    return refusal;
  }

  /** Has access logs written to new files where the old ones were moved away. */
  reopenLogs(): void {
    try {
      this.#workers.reopenLogs();
      this.#inheritance.reopenLogs();
    } catch (error) {
      this.#options.log.error(`access logs cannot be opened anew: ${errorText(error)}`);
    }
  }

  /** Gives the addresses up first, then lets requests end, then clears the tables. */
  stop(): Promise<void> {
    return this.#end(false);
  }

  /** Ends after a start that was refused: what an earlier run has left in the tables stays. */
  giveUp(): Promise<void> {
    return this.#end(true);
  }

  async #end(keepsServices: boolean): Promise<void> {
    this.#isStopping = true;
    this.#cancelLook();
    this.#vrrpAhead?.[Symbol.dispose]();
    // Whoever stops all processes at once, as a service manager may, is not told that one has died.
    this.#director.retire();
    this.#workers.retire();
    await this.#vrrp.stop({ kind: "stop" }, stopLimitMs + this.#plan.vrrp.drainTimeoutMs);
    await Promise.all([
      this.#workers.stop(),
      this.#director.stop({ kind: "stop", keepsServices }, stopLimitMs, longestStopMs),
      this.#inheritance.stop(),
    ]);
  }

  /** Has virtual routers handed over to other nodes, or the usual claim for them taken again; never rejects. */
  handOver(order: HandoverOrder): Promise<HandoverReport> {
    return this.#handovers.give(order);
  }

  /** Has servers taken out of their services, or put back; never rejects. */
  drain(order: DrainOrder): Promise<DrainReport> {
    return this.#drains.give(order);
  }

  /** Has every proxy process forget stored answers. */
  purge({ patterns }: PurgeOrder): PurgeReport {
    let processes = 0;
    for (const pattern of patterns) processes = this.#workers.purge(pattern);
    return { processes };
  }

  /** Whether the election's process has shown a sign of life lately; what the service manager's watchdog wants to know. */
  get isWell(): boolean {
    return this.#options.clock.now() - this.#vrrp.lastSign < 10_000;
  }

  /** Everything that `edge-ha status` shows. */
  async status(config: ConfigStatus): Promise<Omit<NodeStatus, "isUp">> {
    const [{ probes, services, proxied, names, footing }, traffic] = await Promise.all([
      this.#view.report(this.#director.isServing),
      this.#workers.traffic(),
    ]);
    return {
      cluster: this.#plan.cluster,
      node: this.#plan.node,
      version: this.#options.version,
      pid: process.pid,
      startedAt: this.#startedAt.toISOString(),
      config,
      instances: this.#elections.instances,
      bfd: this.#elections.bfd,
      probes,
      services,
      footing,
      proxied: proxied.map((group) => withTraffic(group, traffic)),
      names,
      proxies: this.#workers.statuses(),
      processes: [this.#vrrp.status("vrrp"), this.#director.status("director"), ...this.#workers.processes()],
    };
  }

  #refusalOf(isServing: boolean, role: string): string | null {
    if (this.#isStopping) return stopping.reason;
    return isServing ? null : `the ${role} process is being started`;
  }

  async #carryOut(plan: NodePlan): Promise<(Outcome & { kind: "refused" }) | null> {
    this.#plan = plan;
    const order = this.#orders.next(plan.director);
    const director = order === null ? null : await this.#director.configure(order);
    if (director?.kind === "refused") return director;
    const workers = await this.#workers.configure(plan.proxy);
    if (workers.kind === "refused") return workers;
    this.#findings.keep(plan.director);
    this.#look();
    const vrrp = await this.#vrrp.configure(this.#vrrpMessage([]));
    return vrrp.kind === "refused" ? vrrp : null;
  }

  #vrrpMessage(adopt: readonly string[]): ToVrrp {
    return {
      kind: "configure",
      plan: this.#plan.vrrp,
      adopt,
      handedOver: this.#elections.handedOver,
      proxiesAreAlive: this.#vitality.isAlive,
      uptimeMs: this.#options.clock.now() - this.#bornAt,
      verdicts: trackedVerdicts(this.#plan.vrrp, this.#findings.verdicts),
      users: scriptUsers(this.#plan.vrrp),
    };
  }

  #heardVrrp(message: FromVrrp): void {
    if (message.kind === "handover") this.#handovers.answered(message.id, message.report);
    if (message.kind === "departure") this.#departures.begin(message.departure);
    if (message.kind === "status" || message.kind === "unchanged") this.#elections.heard(message);
  }

  /** Nobody will answer any more if the process has died. */
  #vrrpChanged(): void {
    if (this.#vrrp.isServing) return;
    this.#departures.cancel();
    this.#handovers.refuseAll("the vrrp process died meanwhile; see `edge-ha status`");
  }

  /** Nobody will answer any more if the process has died. */
  #directorChanged(): void {
    if (this.#director.isServing) return;
    this.#view.release();
    this.#drains.refuseAll("the director process died meanwhile; see `edge-ha status`");
  }

  #heardDirector(message: FromDirector): void {
    if (message.kind === "drain") {
      this.#drains.answered(message.id, message.report);
    } else if (message.kind === "verdicts") {
      this.#findings.heardVerdicts(message.verdicts);
      const verdicts = trackedVerdicts(this.#plan.vrrp, message.verdicts);
      if (verdicts.length > 0) this.#vrrp.send({ kind: "verdicts", verdicts });
    } else if (message.kind === "standings") {
      this.#findings.heardStandings(message.standings, message.isWhole);
      this.#workers.sendStandings(message.standings);
    } else if (message.kind === "found") {
      this.#findings.heardNames(message.names);
      this.#workers.sendFound(message.names);
    } else if (message.kind === "status") {
      this.#view.heard(message);
    }
  }

  /** Looks whether the proxies are alive and tells `vrrp` when the answer has changed. */
  #look(): void {
    const { clock, log } = this.#options;
    this.#cancelLook();
    const before = this.#vitality.isAlive;
    this.#vitality = observe(this.#vitality, !this.#workers.isNeeded || this.#workers.serves, clock.now());
    if (this.#vitality.isAlive !== before) {
      log.warning(this.#vitality.isAlive ? "the proxies are alive again" : "every proxy process is dead");
      this.#tellVitality();
    }
    const at = nextLook(this.#vitality);
    if (at !== null) this.#cancelLook = clock.schedule(at, () => this.#look());
  }

  #tellVitality(): void {
    this.#vrrp.send({ kind: "proxies", areAlive: this.#vitality.isAlive });
  }
}
