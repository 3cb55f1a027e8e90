import { errorText, hasCode } from "../base/system-error.ts";
import type { SyncDaemonPlan } from "../config/footing-plan.ts";
import type { SyncDaemonStatus } from "../ipc/footing-status.ts";
import type { Ipvs, IpvsSyncDaemon, SyncRole } from "../kernel/ipvs.ts";
import type { HeldOutcome } from "../kernel/held-settings.ts";
import { type Notebook, tryNote } from "../kernel/told-journal.ts";

/** The kernel's sync daemons as they are used here. */
export type SyncKernel = Pick<Ipvs, "daemons" | "startDaemon" | "stopDaemon">;

const roles: readonly SyncRole[] = ["master", "backup"];

/**
 * Both sync daemons of this node: it tells the others of its connections, and hears of theirs, at the same time. One that
 * is not in the journal is somebody else's and stays.
 */
export class SyncDaemons {
  readonly #journal: Notebook;

  constructor(journal: Notebook) {
    this.#journal = journal;
  }

  /** Whether there are daemons to stop some day. */
  get isHolding(): boolean {
    return this.#journal.entries.size > 0;
  }

  /** Tells which run, and whose they are. */
  status(kernel: SyncKernel): readonly SyncDaemonStatus[] {
    return kernel.daemons().map(({ role, interface: on, id, group, port, ttl }) => {
      return { role, interface: on, id, group, port, ttl, isForeign: !this.#isOurs(role) };
    });
  }

  /** Gives what an earlier process has left running; asks the kernel only where the journal knows of something. */
  left(openKernel: () => SyncKernel): SyncDaemonPlan | null {
    if (!this.isHolding) return null;
    const found = openKernel()
      .daemons()
      .find(({ role }) => this.#isOurs(role));
    if (found === undefined || found.group === null || found.port === null || found.ttl === null) return null;
    const { interface: on, id, group, port, ttl, maxLength } = found;
    return { interface: on, id, group, port, ttl, maxLength };
  }

  /** Stops what is ours and not as it should be; null wants none. */
  withdraw(kernel: SyncKernel, wanted: SyncDaemonPlan | null): HeldOutcome {
    const running = kernel.daemons();
    const outcome = each((role) => {
      const found = running.find((daemon) => daemon.role === role);
      if (!this.#isOurs(role) || (found !== undefined && wanted !== null && isAs(found, wanted))) return null;
      if (found !== undefined) {
        try {
          kernel.stopDaemon(role);
        } catch (error) {
          if (!hasCode(error, "ESRCH")) throw error;
        }
      }
      this.#note(role, false);
      return found === undefined ? null : `sync daemon (${daemonText(found)}) stopped`;
    });
    // What is to be started is noted afterwards, and told of then.
    return wanted === null ? this.#noted(outcome) : outcome;
  }

  /** Starts what is missing, after what is in the way was withdrawn. */
  bring(kernel: SyncKernel, wanted: SyncDaemonPlan | null): HeldOutcome {
    if (wanted === null) return { changes: [], problems: [] };
    const running = kernel.daemons();
    const outcome = each((role) => {
      const found = running.find((daemon) => daemon.role === role);
      if (found !== undefined) {
        if (this.#isOurs(role) || isAs(found, wanted)) return null;
        const what = `a sync daemon (${daemonText(found)}) that is not this node's is in the way`;
        throw new Error(`${what}; stop it with \`ipvsadm --stop-daemon ${role}\``);
      }
      this.#note(role, true);
      const daemon = { role, ...wanted };
      kernel.startDaemon(daemon);
      return `sync daemon (${daemonText(daemon)}) started`;
    });
    return this.#noted(outcome);
  }

  #isOurs(role: SyncRole): boolean {
    return this.#journal.entries.has(role);
  }

  #note(role: SyncRole, isOurs: boolean): void {
    const others = roles.filter((one) => one !== role && this.#isOurs(one));
    // Whether it could be noted is told at the end.
    tryNote(this.#journal, new Set(isOurs ? [...others, role] : others));
  }

  /** Services go before what is left of a crash: what could not be noted is done all the same, and noted when that works. */
  #noted(outcome: HeldOutcome): HeldOutcome {
    const unnoted = tryNote(this.#journal, this.#journal.entries);
    if (unnoted === null) return outcome;
    const problem = `which sync daemons run cannot be noted, a crash would leave them: ${unnoted}`;
    return { ...outcome, problems: [...outcome.problems, problem] };
  }
}

function each(act: (role: SyncRole) => string | null): HeldOutcome {
  const changes: string[] = [];
  const problems: string[] = [];
  for (const role of roles) {
    try {
      const change = act(role);
      if (change !== null) changes.push(change);
    } catch (error) {
      problems.push(`sync daemon: ${errorText(error)}`);
    }
  }
  return { changes, problems };
}

/** Of what the kernel does not tell, or the file does not say, nothing can differ. */
function isSame<T>(one: T | null, other: T | null): boolean {
  return one === null || other === null || one === other;
}

function isAs(found: IpvsSyncDaemon, wanted: SyncDaemonPlan): boolean {
  return (
    found.interface === wanted.interface &&
    found.id === wanted.id &&
    isSame(found.maxLength, wanted.maxLength) &&
    isSame(found.group, wanted.group) &&
    isSame(found.port, wanted.port) &&
    isSame(found.ttl, wanted.ttl)
  );
}

function daemonText({ role, interface: on, id }: Pick<IpvsSyncDaemon, "role" | "interface" | "id">): string {
  return `${role} on ${on}, id ${id}`;
}
