import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { noFooting, type FootingPlan } from "../config/footing-plan.ts";
import type { FootingStatus } from "../ipc/footing-status.ts";
import { settingName, type HeldOutcome, type HeldSettings } from "../kernel/held-settings.ts";
import type { Masquerading } from "./masquerading.ts";
import type { SyncDaemons, SyncKernel } from "./sync-daemons.ts";

/** What a footing is made of. */
export interface FootingParts {
  readonly settings: Pick<HeldSettings, "hold" | "held">;
  readonly daemons: Pick<SyncDaemons, "withdraw" | "bring" | "isHolding" | "status" | "left">;
  readonly masquerading: Pick<Masquerading, "reconcile" | "status">;
  /** Gives the kernel's sync daemons; throws where there is no IPVS. */
  readonly openSync: () => SyncKernel;
  readonly log: Log;
}

/** What an earlier process has left. */
interface Left {
  readonly settings: FootingPlan["settings"];
  /** `unread` if the kernel did not say. */
  readonly syncDaemon: FootingPlan["syncDaemon"] | "unread";
}

/**
 * What the services of the kernel stand on beside their table: settings, sync daemons, and the masquerading of their
 * servers. Never a reason to refuse a plan: what cannot be had is in the log, and tried again at every look.
 */
export class Footing {
  readonly #parts: FootingParts;
  /** Null before the first: what an earlier process has left is not touched until then. */
  #plan: FootingPlan | null = null;
  /** What an earlier process had left before the first plan; null until then. */
  #found: Left | null = null;
  #problems: readonly string[] = [];

  constructor(parts: FootingParts) {
    this.#parts = parts;
  }

  /** Changes the services, with what the new ones need around them; a refusal, which is given, leaves the old. */
  change(plan: FootingPlan, services: () => string | null): string | null {
    const old = this.#plan;
    if (old === null) this.#found = this.#left();
    this.#prepare(plan);
    const refusal = services();
    if (refusal !== null) {
      if (old === null) this.leave();
      else this.#prepare(old);
    }
    this.reconcile();
    return refusal;
  }

  /** Before the services change: the kernel refuses some of them while a sync daemon runs. */
  #prepare(plan: FootingPlan): void {
    this.#plan = plan;
    this.#sum([this.#withdraw(plan), this.#parts.settings.hold(plan.settings)]);
  }

  /** Makes everything as the plan says; whatever is so already is left alone. */
  reconcile(): void {
    const { settings, daemons, masquerading, log } = this.#parts;
    const plan = this.#plan;
    if (plan === null) return;
    const problems = this.#sum([
      settings.hold(plan.settings),
      masquerading.reconcile(plan.masquerades),
      this.#withdraw(plan),
      this.#withDaemons(plan.syncDaemon !== null, (kernel) => daemons.bring(kernel, plan.syncDaemon)),
    ]);
    const told = problems.join("; ");
    if (told !== this.#problems.join("; ")) {
      if (told === "") log.notice("what the kernel's services stand on is as it should be again");
      else log.error(`what the kernel's services stand on is not as it should be: ${told}`);
    }
    this.#problems = problems;
  }

  /** Tells what is changed in the kernel at present. */
  status(): Omit<FootingStatus, "marks"> {
    const { settings, daemons, masquerading } = this.#parts;
    const isSynced = daemons.isHolding || (this.#plan?.syncDaemon ?? null) !== null;
    return {
      settings: settings.held.map(({ path, before, ours }) => {
        return { name: settingName(path), value: ours, before };
      }),
      syncDaemons: isSynced ? this.#runningDaemons() : [],
      masquerades: masquerading.status(),
      problems: this.#problems,
    };
  }

  #runningDaemons(): FootingStatus["syncDaemons"] {
    try {
      return this.#parts.daemons.status(this.#parts.openSync());
    } catch {
      // Why there is none is among the problems.
      return [];
    }
  }

  /** Leaves settings and sync daemons as an earlier process had left them. */
  leave(): void {
    if (this.#found === null) return;
    const { settings, syncDaemon } = this.#found;
    const { daemons, settings: held } = this.#parts;
    if (syncDaemon === "unread") {
      this.#sum([held.hold(settings)]);
    } else {
      this.#prepare({ ...noFooting, settings, syncDaemon });
      this.#sum([this.#withDaemons(syncDaemon !== null, (kernel) => daemons.bring(kernel, syncDaemon))]);
    }
    this.#plan = null;
  }

  #left(): Left {
    const { settings, daemons } = this.#parts;
    const held = settings.held.map(({ path, ours }) => ({ path, value: ours, onlyFrom: null }));
    try {
      return { settings: held, syncDaemon: daemons.left(this.#parts.openSync) };
    } catch {
      // Why there is none is told when one is wanted.
      return { settings: held, syncDaemon: "unread" };
    }
  }

  /** Puts everything back as it was, and says what that was. */
  stop(): readonly string[] {
    const { settings, masquerading } = this.#parts;
    this.#plan = noFooting;
    const outcomes = [this.#withdraw(noFooting), masquerading.reconcile([]), settings.hold([])];
    for (const problem of this.#sum(outcomes)) this.#parts.log.error(`stays behind: ${problem}`);
    return outcomes.flatMap(({ changes }) => changes);
  }

  #withdraw({ syncDaemon }: FootingPlan): HeldOutcome {
    const { daemons } = this.#parts;
    return this.#withDaemons(daemons.isHolding, (kernel) => daemons.withdraw(kernel, syncDaemon));
  }

  #withDaemons(isNeeded: boolean, act: (kernel: SyncKernel) => HeldOutcome): HeldOutcome {
    if (!isNeeded) return { changes: [], problems: [] };
    try {
      return act(this.#parts.openSync());
    } catch (error) {
      return { changes: [], problems: [`sync daemon: ${errorText(error)}`] };
    }
  }

  #sum(outcomes: readonly HeldOutcome[]): readonly string[] {
    for (const change of outcomes.flatMap(({ changes }) => changes)) this.#parts.log.info(change);
    return outcomes.flatMap(({ problems }) => problems);
  }
}
