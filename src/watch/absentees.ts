import { activeDownMs } from "../vrrp/timers.ts";
import type { InstanceConfig } from "../config/config.ts";
import type { Complaint, Place } from "./complaint.ts";
import type { Expectations } from "./file-rules.ts";
import type { Ledger } from "./ledger.ts";

/** PURE: which virtual routers of the configuration nobody advertises, though it has them on an interface that is watched. */
export class Absentees {
  readonly #file: string;
  readonly #ledger: Ledger;
  #waiting: readonly InstanceConfig[];
  readonly #said = new Map<string, Complaint>();
  #sinceMs: number | null = null;

  constructor(expected: Expectations, interfaces: readonly string[], ledger: Ledger) {
    this.#file = expected.file;
    this.#ledger = ledger;
    this.#waiting = expected.config.instances.filter(({ members }) =>
      members.some((member) => interfaces.includes(member.interface)),
    );
  }

  /** Takes note that one is advertised. */
  heard({ vrid, family }: Place, atMs: number): void {
    const isIt = (instance: InstanceConfig): boolean => instance.vrid === vrid && instance.family === family;
    if (!this.#waiting.some(isIt)) return;
    for (const instance of this.#waiting.filter(isIt)) {
      const complaint = this.#said.get(instance.name);
      if (complaint !== undefined) this.#ledger.settle(placeOf(instance), complaint, atMs);
    }
    this.#waiting = this.#waiting.filter((instance) => !isIt(instance));
  }

  /** Lets time pass: whoever is not heard when the last of all backups would have claimed is missing. */
  advance(atMs: number): void {
    this.#sinceMs ??= atMs;
    for (const instance of this.#waiting) {
      const { version, advertIntervalMs: intervalMs, downAfter, name } = instance;
      const patienceMs = activeDownMs({ version, priority: 1, intervalMs, downAfter });
      if (atMs - this.#sinceMs < patienceMs || this.#said.has(name)) continue;
      const complaint = missing(instance, this.#file);
      this.#said.set(name, complaint);
      this.#ledger.raise(placeOf(instance), complaint, atMs);
    }
  }
}

function placeOf({ vrid, family }: InstanceConfig): Place {
  return { interface: null, vlans: [], vrid, family };
}

function missing({ name, addresses }: InstanceConfig, file: string): Complaint {
  const list = addresses.map(({ address }) => address).join(", ");
  return {
    code: "file-unheard",
    severity: "error",
    about: [name],
    text: `nobody advertises ${name} (${list}), which ${file} has here`,
    advice: "see that a node runs and claims it; if one does, its advertisements do not get here",
  };
}
