import { SystemError } from "../../src/base/system-error.ts";
import type { SyncKernel } from "../../src/director/sync-daemons.ts";
import type { IpvsSyncDaemon, SyncRole } from "../../src/kernel/ipvs.ts";

/** The kernel's two sync daemons in memory; what is not said of one is filled in as the real one does. */
export class FakeSyncDaemons implements SyncKernel {
  readonly running: Map<SyncRole, IpvsSyncDaemon> = new Map();
  /** Every change that was asked for, in order, such as `start master`. */
  readonly changes: string[] = [];
  /** Interfaces there are. */
  readonly interfaces: ReadonlySet<string> = new Set(["eth0", "eth1"]);

  daemons(): IpvsSyncDaemon[] {
    return [...this.running.values()];
  }

  startDaemon(wanted: IpvsSyncDaemon): void {
    this.changes.push(`start ${wanted.role}`);
    const operation = `IPVS_CMD_NEW_DAEMON ${wanted.role}`;
    if (!this.interfaces.has(wanted.interface)) throw new SystemError(operation, "ENODEV");
    if (this.running.has(wanted.role)) throw new SystemError(operation, "EEXIST");
    this.running.set(wanted.role, { ...wanted, maxLength: wanted.maxLength ?? 1472 });
  }

  stopDaemon(role: SyncRole): void {
    this.changes.push(`stop ${role}`);
    if (!this.running.delete(role)) throw new SystemError(`IPVS_CMD_DEL_DAEMON ${role}`, "ESRCH");
  }
}
