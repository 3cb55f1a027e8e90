import { silentLog } from "../base/log.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { MarkPlan } from "../config/service-plan.ts";
import { HeldSettings, type SettingsPort } from "../kernel/held-settings.ts";
import type { IpvsSyncDaemon } from "../kernel/ipvs.ts";
import type { Journal } from "../kernel/journal.ts";
import { hasMarkings, markChain, markTable, type MarkTableReader } from "../kernel/mark-table.ts";
import { Footing } from "./footing.ts";
import { markedPlaces, markings } from "./marks.ts";
import { masqueradeChain } from "../kernel/masquerade-table.ts";
import { Masquerading, type NatKernel } from "./masquerading.ts";
import { SyncDaemons, type SyncKernel } from "./sync-daemons.ts";

/** What there is beside the table, to be read only; each may throw. */
export interface FootingPresent {
  /** Gives a setting by its path; `ENOENT` where there is none yet. */
  readonly readSetting: (path: string) => string;
  readonly daemons: () => readonly IpvsSyncDaemon[];
  readonly filter: () => MarkTableReader;
  /** What the journals say is edge-ha's own. */
  readonly heldSettings: ReadonlySet<string>;
  readonly ownDaemons: ReadonlySet<string>;
}

/** What a plan would change beside the table, in the words of the log, and what would stand in the way. */
export interface FootingForecast {
  readonly changes: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Says what taking a plan into force would change beside the table: it goes through the motions with a kernel that takes
 * every change and remembers it, so that what is said is what would be done.
 */
export function forecastFooting(
  { footing, marks }: Pick<DirectorPlan, "footing" | "marks">,
  present: FootingPresent,
): FootingForecast {
  const changes: string[] = [];
  const refusals: string[] = [];
  const motions = new Footing({
    settings: new HeldSettings(settingsOver(present), journalOf(present.heldSettings)),
    daemons: new SyncDaemons(journalOf(present.ownDaemons)),
    masquerading: new Masquerading(() => filterOver(present)),
    openSync: daemonsOver(present),
    log: { ...silentLog, info: (change) => void changes.push(change) },
  });
  motions.change(footing, () => {
    try {
      changes.push(...markChanges(marks, present.filter()));
    } catch (error) {
      // A kernel without a packet filter has no marks that could be left over.
      if (marks.length > 0) refusals.push(`packets cannot be marked: ${errorText(error)}`);
    }
    return null;
  });
  return { changes, problems: [...refusals, ...motions.status().problems] };
}

function markChanges(plans: readonly MarkPlan[], reader: MarkTableReader): readonly string[] {
  if (plans.length === 0)
    return reader.comments(markTable, markChain).length > 0 ? ["packets are marked no more"] : [];
  if (hasMarkings(reader, markings(plans))) return [];
  return plans.map((plan) => `packets to ${markedPlaces(plan).join(", ")} get the mark ${plan.mark}`);
}

function journalOf(own: ReadonlySet<string>): Pick<Journal, "entries" | "note"> {
  return {
    entries: own,
    note(entries) {
      Object.assign(this, { entries });
    },
  };
}

function settingsOver({ readSetting }: FootingPresent): SettingsPort {
  const written = new Map<string, string>();
  return {
    read: (path) => written.get(path) ?? readOr(readSetting, path),
    write: (path, value) => void written.set(path, value),
  };
}

/** IPVS's settings come with its module, which nobody who only looks loads. */
function readOr(read: (path: string) => string, path: string): string {
  try {
    return read(path);
  } catch (error) {
    if (hasCode(error, "ENOENT") && (path.startsWith("net/ipv4/vs/") || path.startsWith("ipvs/")))
      return "unknown";
    throw error;
  }
}

function daemonsOver(present: FootingPresent): () => SyncKernel {
  let running: readonly IpvsSyncDaemon[] | null = null;
  const known = (): readonly IpvsSyncDaemon[] => (running ??= present.daemons());
  return () => ({
    daemons: () => [...known()],
    startDaemon: (wanted) => void (running = [...known(), wanted]),
    stopDaemon: (role) => void (running = known().filter((daemon) => daemon.role !== role)),
  });
}

function filterOver(present: FootingPresent): NatKernel {
  const reader = present.filter();
  return {
    comments: (table, chain) => reader.comments(table, chain),
    removeTable: (table) => (reader.comments(table, masqueradeChain).length > 0 ? "removed" : "absent"),
    apply: () => undefined,
    close: () => undefined,
  };
}
