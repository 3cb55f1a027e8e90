import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { type DirectorPlan, noDirectorPlan } from "../config/node-plan.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { MarkStatus } from "../ipc/footing-status.ts";
import type { DrainedOpen } from "../ipc/standing.ts";
import type { ProxiedStatus, ServiceStatus } from "../ipc/status.ts";
import { Ipvs } from "../kernel/ipvs.ts";
import { Journal, stateDirectory } from "../kernel/journal.ts";
import { Nftables } from "../kernel/nftables.ts";
import { everythingIn } from "./balanced-service.ts";
import type { Detours } from "./detours.ts";
import { Director, type DirectorOptions } from "./director.ts";
import { DrainBook } from "./drain-book.ts";
import { Marks } from "./marks.ts";
import { QuorumScripts } from "./quorum-scripts.ts";
import { ServiceNotices } from "./service-notices.ts";
import { ServiceNotifier } from "./service-notifier.ts";

/** How long after the first word of a change in the packet filter it is looked at. */
const marksSettleMs = 5;

/** What a balancer works with. */
export interface BalancerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly prober: DirectorOptions["prober"];
  /** What leads the prober's checks through virtual addresses. */
  readonly detours: Pick<Detours, "configure" | "check" | "stop">;
  readonly stand: DirectorOptions["stand"];
  readonly onProgress: DirectorOptions["onProgress"];
}

/** What services are made of here: the kernel's table, the marks it goes by, and who is told of changes. */
export class Balancer {
  readonly #director: Director;
  readonly #marks: Marks;
  readonly #detours: BalancerOptions["detours"];
  readonly #scripts: QuorumScripts;
  readonly #notifier: ServiceNotifier;
  readonly #notices = new ServiceNotices();
  #plan: DirectorPlan | null = null;

  constructor({ clock, log, prober, detours, stand, onProgress }: BalancerOptions) {
    this.#detours = detours;
    const directory = stateDirectory(process.env);
    this.#scripts = new QuorumScripts(log);
    this.#notifier = new ServiceNotifier(log);
    this.#director = new Director({
      clock,
      log,
      prober,
      journal: Journal.open(directory, "director"),
      book: DrainBook.open(directory, log),
      openIpvs: () => Ipvs.open(onProgress),
      tell: (change) => this.#scripts.tell(change),
      onStandings: (...look) => {
        // Tens of thousands of servers are compared for somebody who is told only.
        if (this.#notifier.isAnyoneTold) this.#notifier.tell(this.#notices.look(...look));
      },
      stand,
      onProgress,
    });
    this.#marks = new Marks({
      log,
      openFilter: () => Nftables.open(),
      // Several changes of one moment are looked at together.
      onNews: () => void clock.schedule(later(clock.now(), marksSettleMs), () => this.#marks.check()),
    });
  }

  /** Carries out a plan; the result says why not, and then the old one is still in force. */
  configure(plan: DirectorPlan, verdicts: ReadonlyMap<string, boolean>): string | null {
    // What is marked comes first: a service that goes by a mark is nothing without it.
    const refusal =
      this.#notifier.configure(plan.notify) ??
      this.#marks.configure(plan.marks) ??
      this.#detours.configure(plan.detours) ??
      this.#director.configure(plan, verdicts);
    if (refusal === null) {
      this.#plan = plan;
      return null;
    }
    this.#notifier.configure(this.#plan?.notify ?? null);
    if (this.#plan !== null) {
      this.#marks.configure(this.#plan.marks);
      this.#detours.configure(this.#plan.detours);
    }
    return refusal;
  }

  /** Takes the plan in force with other servers behind names. */
  takeNamed(plan: DirectorPlan): void {
    if (this.#plan === null) return;
    this.#plan = plan;
    this.#director.takeNamed(plan);
  }

  /** Whether a first plan is being carried out still. */
  get isFilling(): boolean {
    return this.#director.isFilling;
  }

  /** Carries out some more of a first plan; at its end the result says why it could not be. */
  fill(): string | null {
    const refusal = this.#director.fill();
    if (refusal !== null) this.#plan = null;
    return refusal;
  }

  /** Brings the table to what the checks say. */
  reconcile(): void {
    this.#director.reconcile();
  }

  /** Looks at everything, whether or not anything has happened here. */
  look(): void {
    this.#director.reconcile();
    this.#marks.check();
    this.#detours.check();
  }

  /** Does what time alone asks for; due each second. */
  advance(): void {
    if (this.#director.isWaiting) this.#director.reconcile();
  }

  drain(order: DrainOrder): DrainReport {
    return this.#director.drain(order);
  }

  /** Takes how many connections the proxies have to servers that were taken out. */
  heardOpen(open: readonly DrainedOpen[]): void {
    this.#director.heardOpen(open);
  }

  status(): { readonly services: readonly ServiceStatus[]; readonly proxied: readonly ProxiedStatus[] } {
    return { services: this.#director.status(), proxied: this.#director.proxiedStatus() };
  }

  /** What is marked for services. */
  marks(): readonly MarkStatus[] {
    return this.#marks.status();
  }

  /**
   * Ends after a start that has failed, with the kernel's services as an earlier process left them and what they go by;
   * gives how many that are. Without any it does nothing: then it is to be stopped.
   */
  leave(): number {
    const left = this.#director.leave();
    if (left === 0) return 0;
    this.#marks.leave();
    this.#detours.stop();
    return left;
  }

  /** Removes everything this node made, and waits for those who are told. */
  async stop(): Promise<void> {
    const ending = everythingIn(this.#plan ?? noDirectorPlan).filter(({ quorum }) => quorum.endsOnStop);
    this.#notifier.tell(this.#notices.end(ending));
    this.#director.stop();
    this.#marks.stop();
    this.#detours.stop();
    await Promise.all([this.#scripts.finish(), this.#notifier.finish()]);
  }
}
