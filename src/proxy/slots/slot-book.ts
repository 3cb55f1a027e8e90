import { type SlotKeys, slotKeys } from "../../ipc/counts/slot-keys.ts";
import type { CommonCounts } from "../common-counts.ts";

/** What a process writes down of its slots, for a supervisor that comes after its own, and finds written by that one. */
export interface SlotBook {
  /** Writes what it may have in use. */
  hold(name: string, held: number): void;
  /** Writes what it has a use for, for a supervisor that has no line to it. */
  want(name: string, wanted: number): void;
  /** Gives how many it was lent since it last took some, and how many it may keep. */
  read(name: string): { readonly lent: number; readonly keep: number };
  /** It has come to have so many of those. */
  take(name: string, count: number): void;
  /** It has no use for it any more. */
  forget(name: string): void;
}

interface Page extends SlotKeys {
  /** Whether it has ever said that it wants some: before that it was lent nothing, whatever stands there for who had its number. */
  isOpen: boolean;
}

/** Keeps it in the memory where processes count in common; whoever comes after the supervisor has its process id. */
export class CommonSlotBook implements SlotBook {
  private readonly counts: CommonCounts;
  private readonly pid: number;
  private readonly supervisor: number;
  private readonly pages = new Map<string, Page>();

  constructor(counts: CommonCounts, { pid, ppid }: Pick<NodeJS.Process, "pid" | "ppid"> = process) {
    this.counts = counts;
    this.pid = pid;
    this.supervisor = ppid;
  }

  hold(name: string, held: number): void {
    this.counts.set(this.page(name).held, held);
  }

  want(name: string, wanted: number): void {
    const page = this.page(name);
    if (!page.isOpen) this.counts.set(page.taken, this.lent(page));
    page.isOpen = true;
    this.counts.set(page.wanted, wanted);
  }

  read(name: string): { readonly lent: number; readonly keep: number } {
    const page = this.page(name);
    if (!page.isOpen) return { lent: 0, keep: Number.POSITIVE_INFINITY };
    const kept = this.counts.countOf(this.supervisor, page.kept);
    const lent = Math.max(0, this.lent(page) - this.counts.ownCount(page.taken));
    return { lent, keep: kept === 0 ? Number.POSITIVE_INFINITY : kept - 1 };
  }

  take(name: string, count: number): void {
    const { taken } = this.page(name);
    this.counts.set(taken, this.counts.ownCount(taken) + count);
  }

  forget(name: string): void {
    this.pages.delete(name);
  }

  private lent({ lent }: Page): number {
    return this.counts.countOf(this.supervisor, lent);
  }

  private page(name: string): Page {
    const known = this.pages.get(name);
    if (known !== undefined) return known;
    const page = { ...slotKeys(this.counts.key, name, this.pid), isOpen: false };
    this.pages.set(name, page);
    return page;
  }
}
