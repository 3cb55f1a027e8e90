import type { Log } from "../../base/log.ts";
import type { ProxyPlan } from "../../config/node-plan.ts";
import type { DiskNote, DiskStatus } from "../../ipc/disk-note.ts";
import { diskCaches } from "../../config/disk-caches.ts";
import { CacheStore } from "./cache-store.ts";
import { Gathered } from "./gathered.ts";
import { DiskCache } from "./disk/disk-cache.ts";
import { DiskFolder } from "./disk/disk-folder.ts";
import { Flights } from "./flights.ts";
import type { SharedCache } from "./route-cache.ts";

/** How a process tells the others of its cache. */
export interface TellOfCache {
  readonly changed: (urls: readonly string[]) => void;
  readonly disk: (notes: readonly DiskNote[]) => void;
}

/** What one process keeps of servers' answers: in memory, and in folders that it shares with the other processes. */
export class ProcessCache implements SharedCache {
  readonly store: CacheStore = new CacheStore();
  readonly flights: Flights = new Flights();
  private readonly disks = new Map<string, DiskCache>();
  private readonly log: Log;
  private readonly urls: Gathered<string>;
  private readonly notes: Gathered<DiskNote>;

  constructor(log: Log, tell: TellOfCache) {
    this.log = log;
    this.urls = new Gathered(tell.changed);
    this.notes = new Gathered(tell.disk);
  }

  disk(path: string): DiskCache {
    const known = this.disks.get(path);
    if (known !== undefined) return known;
    const { log, notes, store } = this;
    const folder = new DiskFolder(path);
    const disk = new DiskCache({ folder, log, marks: store.marks, tell: (note) => notes.add(note) });
    this.disks.set(path, disk);
    return disk;
  }

  changed(url: string): void {
    this.removeUrl(url);
    this.urls.add(url);
  }

  /** Takes bounds from a plan; `keepsDisks` if this process is the one that sees to them on disks. */
  configure(plan: ProxyPlan, keepsDisks: boolean): void {
    this.store.setMost(plan.cacheBytes);
    const wanted = diskCaches(plan.sites);
    for (const [path, bytes] of wanted) this.disk(path).configure(bytes, keepsDisks);
    for (const [path, disk] of this.disks) {
      if (wanted.has(path)) continue;
      disk.release();
      this.disks.delete(path);
    }
  }

  /** Takes which URLs requests have changed in other processes: the answers for them go. */
  heardChanges(urls: readonly string[]): void {
    for (const url of urls) this.removeUrl(url);
  }

  /** Removes what a pattern names. */
  purge(pattern: string): void {
    this.store.purge(pattern, performance.now());
    for (const disk of this.disks.values()) disk.purge(pattern);
  }

  /** Takes what other processes did on disks. */
  heard(notes: readonly DiskNote[]): void {
    for (const note of notes) this.disks.get(note.path)?.heard(note);
  }

  /** Leaves the disks to the processes that come after this one. */
  release(): void {
    for (const disk of this.disks.values()) disk.release();
  }

  /** Tells of the disks. */
  status(): readonly DiskStatus[] {
    return [...this.disks.values()].map((disk) => disk.status());
  }

  private removeUrl(url: string): void {
    this.store.removeUrl(url, performance.now());
    for (const disk of this.disks.values()) disk.removeUrl(url);
  }
}
