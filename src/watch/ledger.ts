import {
  type Complaint,
  type Finding,
  type FindingCode,
  type Notice,
  type Place,
  placeKey,
} from "./complaint.ts";

interface Entry {
  readonly finding: Finding;
  readonly isOpen: boolean;
}

/** More than these are somebody's forgeries. */
const mostFindings = 1_000;

/**
 * PURE: everything that was found wrong, each thing said once until it changes. What has come to an end and begins again
 * is said again.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  #notices: Notice[] = [];
  /** Findings that there was no room for. */
  #omitted = 0;

  /** Takes note of a complaint. */
  raise(place: Place, complaint: Complaint, atMs: number): void {
    const key = keyOf(place, complaint);
    const before = this.#entries.get(key);
    if (before === undefined && this.#entries.size >= mostFindings) {
      this.#omitted += 1;
      return;
    }
    const sinceMs = before?.isOpen === true ? before.finding.sinceMs : atMs;
    const finding = { ...complaint, place, sinceMs, lastMs: atMs, count: (before?.finding.count ?? 0) + 1 };
    this.#entries.set(key, { finding, isOpen: true });
    const isKnown = before?.isOpen === true && before.finding.text === complaint.text;
    if (!isKnown) this.#notices.push({ kind: "finding", atMs, finding });
  }

  /** Ends a finding, if there is one. */
  settle(place: Place, what: Pick<Complaint, "code" | "about">, atMs: number): void {
    const key = keyOf(place, what);
    const entry = this.#entries.get(key);
    if (entry?.isOpen !== true) return;
    this.#entries.set(key, { finding: entry.finding, isOpen: false });
    this.#notices.push({ kind: "over", atMs, finding: entry.finding });
  }

  /** Ends a finding that was a moment's, without a word. */
  forget(place: Place, what: Pick<Complaint, "code" | "about">): void {
    const key = keyOf(place, what);
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#entries.set(key, { finding: entry.finding, isOpen: false });
  }

  /** Raises those complaints of `codes` that hold now, all about the same, and settles the others. */
  update(
    place: Place,
    now: {
      readonly codes: readonly FindingCode[];
      readonly about: readonly string[];
      readonly complaints: readonly Complaint[];
    },
    atMs: number,
  ): void {
    for (const complaint of now.complaints) this.raise(place, complaint, atMs);
    const held = new Set(now.complaints.map(({ code }) => code));
    for (const code of now.codes) {
      if (!held.has(code)) this.settle(place, { code, about: now.about }, atMs);
    }
  }

  /** Tells something that is not wrong. */
  tell(place: Place, text: string, atMs: number): void {
    this.#notices.push({ kind: "event", atMs, place, text });
  }

  /** Gives what there is to tell since the last time. */
  takeNotices(): readonly Notice[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }

  /** Gives every finding so far, with whether it goes on. */
  get findings(): readonly { readonly finding: Finding; readonly isOpen: boolean }[] {
    return [...this.#entries.values()];
  }

  get omitted(): number {
    return this.#omitted;
  }
}

function keyOf(place: Place, { code, about }: Pick<Complaint, "code" | "about">): string {
  return `${placeKey(place)}|${code}|${about.join(" ")}`;
}
