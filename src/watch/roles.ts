import { unreachable } from "../base/assert.ts";
import { formatMs } from "../vrrp/timers.ts";
import { type Heard, lastSkewMs, outranks, silenceMs } from "./heard.ts";

/**
 * PURE: who is active in one virtual router, by its advertisements alone.
 *
 * A router that advertises is active. Around a switch two may speak once or twice each; only what goes on is two active
 * routers. So a challenger is believed when it speaks twice and the other one misses its turn meanwhile, or when the
 * other has resigned or fallen silent; and a split brain is when the speakers go on changing.
 */

/** What came of an advertisement, or of time. */
export type RoleNote =
  | { readonly kind: "active"; readonly heard: Heard; readonly atMs: number; readonly how: How }
  | { readonly kind: "resigned"; readonly heard: Heard; readonly atMs: number }
  /** No word for so long that another one should have claimed. */
  | {
      readonly kind: "silent" | "dark";
      readonly heard: Heard;
      readonly atMs: number;
      readonly silenceMs: number;
    }
  | { readonly kind: "split"; readonly pair: readonly [Heard, Heard]; readonly atMs: number }
  | { readonly kind: "united"; readonly atMs: number }
  | {
      readonly kind: "flapping";
      readonly atMs: number;
      readonly changes: number;
      readonly spanMs: number;
      readonly sources: readonly string[];
    }
  | { readonly kind: "steady"; readonly atMs: number };

/** How a router became active. */
export type How =
  | { readonly kind: "first" }
  | { readonly kind: "resigned"; readonly from: string; readonly gapMs: number }
  | { readonly kind: "silence"; readonly from: string; readonly gapMs: number }
  | { readonly kind: "preempted"; readonly from: string }
  /** The better one gave way, or its words stopped right then. */
  | { readonly kind: "against-rank"; readonly from: string }
  /** The same one speaks again. */
  | { readonly kind: "back"; readonly gapMs: number };

/** How long a router was active. */
export interface Reign {
  readonly source: string;
  readonly ms: number;
  readonly times: number;
}

interface Active {
  readonly last: Heard;
  readonly sinceMs: number;
  readonly state: "speaking" | "resigned" | "silent";
}

/** As many changes of the speaker as no switch makes, within some intervals. */
const splitChanges = 4;
const splitIntervals = 5;
const quietIntervals = 1.5;
/** Short of three, as clocks differ and frames are late. */
const silentIntervals = 2.5;
const flapChanges = 5;
const shortestFlapMs = 60_000;
const flapIntervals = 60;

/** One virtual router's roles. */
export class Roles {
  #active: Active | null = null;
  #challenger: { readonly first: Heard; readonly count: number } | null = null;
  #lastSpeaker: Heard | null = null;
  /** When the speaker was another one than before. */
  #turns: readonly number[] = [];
  #turnWindowMs = 0;
  #isSplit = false;
  #changes: readonly { readonly atMs: number; readonly source: string }[] = [];
  #isFlapping = false;
  readonly #reigns = new Map<string, { ms: number; times: number }>();

  /** Who is active, as far as is known; null once it has resigned or fallen silent. */
  get active(): { readonly heard: Heard; readonly sinceMs: number } | null {
    const active = this.#active;
    return active?.state === "speaking" ? { heard: active.last, sinceMs: active.sinceMs } : null;
  }

  /** Takes an advertisement; times do not go back. */
  hear(heard: Heard): readonly RoleNote[] {
    if (heard.advert.priority === 0) return this.#resign(heard);
    const split = this.#noteTurn(heard);
    return [...split, ...this.#claim(heard)];
  }

  /** Lets time pass. */
  advance(atMs: number): readonly RoleNote[] {
    const notes: RoleNote[] = [];
    const active = this.#active;
    if (active !== null && active.state !== "silent" && atMs >= this.#patience(active)) {
      const { last } = active;
      // The reign of one that resigned has ended already.
      if (active.state === "speaking") this.#endReign(active);
      this.#active = { ...active, state: "silent" };
      const kind = active.state === "resigned" ? "dark" : "silent";
      notes.push({ kind, heard: last, atMs, silenceMs: atMs - last.atMs });
    }
    if (this.#isSplit && atMs >= (this.#turns.at(-1) ?? 0) + this.#turnWindowMs) {
      this.#isSplit = false;
      this.#turns = [];
      notes.push({ kind: "united", atMs });
    }
    if (this.#isFlapping && atMs >= (this.#changes.at(-1)?.atMs ?? 0) + this.#flapWindowMs()) {
      this.#isFlapping = false;
      notes.push({ kind: "steady", atMs });
    }
    return notes;
  }

  /** Says who was active for how long up to a moment. */
  reigns(atMs: number): readonly Reign[] {
    const active = this.#active;
    const all = new Map([...this.#reigns].map(([source, reign]) => [source, { ...reign }]));
    if (active?.state === "speaking") {
      const reign = all.get(active.last.source) ?? { ms: 0, times: 0 };
      all.set(active.last.source, { ...reign, ms: reign.ms + Math.max(0, atMs - active.sinceMs) });
    }
    return [...all].map(([source, { ms, times }]) => ({ source, ms, times }));
  }

  #resign(heard: Heard): readonly RoleNote[] {
    const active = this.#active;
    if (active === null || active.last.source !== heard.source || active.state !== "speaking") return [];
    this.#endReign({ ...active, last: heard });
    this.#active = { ...active, last: { ...active.last, atMs: heard.atMs }, state: "resigned" };
    return [{ kind: "resigned", heard, atMs: heard.atMs }];
  }

  #claim(heard: Heard): readonly RoleNote[] {
    const active = this.#active;
    if (active === null) return this.#enthrone(heard, { kind: "first" });
    const gapMs = heard.atMs - active.last.atMs;
    if (active.last.source === heard.source) {
      this.#challenger = null;
      if (active.state !== "speaking") return this.#enthrone(heard, { kind: "back", gapMs });
      this.#active = { ...active, last: heard };
      return [];
    }
    const from = active.last.source;
    if (active.state === "resigned") return this.#enthrone(heard, { kind: "resigned", from, gapMs });
    const isSilent = active.state === "silent" || gapMs >= silentIntervals * active.last.advert.intervalMs;
    if (isSilent) return this.#enthrone(heard, { kind: "silence", from, gapMs });
    const before = this.#challenger;
    const isSame = before?.first.source === heard.source;
    const challenger = isSame ? { ...before, count: before.count + 1 } : { first: heard, count: 1 };
    this.#challenger = challenger;
    // One that advertises seldom has its next turn to come before it counts as quiet.
    if (challenger.count < 2 || gapMs < quietIntervals * active.last.advert.intervalMs) return [];
    const kind = outranks(heard, active.last) ? "preempted" : "against-rank";
    return this.#enthrone(heard, { kind, from }, challenger.first.atMs);
  }

  #enthrone(heard: Heard, how: How, sinceMs: number = heard.atMs): readonly RoleNote[] {
    const before = this.#active;
    if (before?.state === "speaking") this.#endReign({ ...before, last: { ...before.last, atMs: sinceMs } });
    this.#active = { last: heard, sinceMs, state: "speaking" };
    this.#challenger = null;
    const reign = this.#reigns.get(heard.source) ?? { ms: 0, times: 0 };
    this.#reigns.set(heard.source, { ...reign, times: reign.times + 1 });
    const note: RoleNote = { kind: "active", heard, atMs: heard.atMs, how };
    return how.kind === "first" || how.kind === "back" ? [note] : [note, ...this.#noteChange(heard)];
  }

  #endReign({ last, sinceMs }: Active): void {
    const reign = this.#reigns.get(last.source) ?? { ms: 0, times: 1 };
    this.#reigns.set(last.source, { ...reign, ms: reign.ms + Math.max(0, last.atMs - sinceMs) });
  }

  #noteChange({ atMs, source }: Heard): readonly RoleNote[] {
    const windowMs = this.#flapWindowMs();
    this.#changes = [...this.#changes, { atMs, source }]
      .filter((change) => change.atMs > atMs - windowMs)
      .slice(-100);
    if (this.#isFlapping || this.#changes.length < flapChanges) return [];
    this.#isFlapping = true;
    const spanMs = atMs - (this.#changes[0]?.atMs ?? atMs);
    const sources = [...new Set(this.#changes.map((change) => change.source))];
    return [{ kind: "flapping", atMs, changes: this.#changes.length, spanMs, sources }];
  }

  #noteTurn(heard: Heard): readonly RoleNote[] {
    const before = this.#lastSpeaker;
    this.#lastSpeaker = heard;
    if (before === null || before.source === heard.source) return [];
    // The slower of the two has its turn no more often.
    this.#turnWindowMs = splitIntervals * Math.max(before.advert.intervalMs, heard.advert.intervalMs);
    const windowMs = this.#turnWindowMs;
    this.#turns = [...this.#turns, heard.atMs]
      .filter((at) => at > heard.atMs - windowMs)
      .slice(-splitChanges);
    if (this.#turns.length < splitChanges) return [];
    this.#isSplit = true;
    return [{ kind: "split", pair: [before, heard], atMs: heard.atMs }];
  }

  #flapWindowMs(): number {
    return Math.max(shortestFlapMs, flapIntervals * this.#longestIntervalMs());
  }

  #longestIntervalMs(): number {
    return Math.max(this.#active?.last.advert.intervalMs ?? 0, this.#lastSpeaker?.advert.intervalMs ?? 0);
  }

  #patience({ last, state }: Active): number {
    // What has resigned is waited for a little longer than the slowest of all backups would take.
    const ms = state === "resigned" ? lastSkewMs(last.advert) + last.advert.intervalMs : silenceMs(last);
    return last.atMs + ms;
  }
}

/** Says in words how a router became active. */
export function howText(how: How): string {
  switch (how.kind) {
    case "first":
      return "the first one heard";
    case "resigned":
      return `${how.from} resigned ${formatMs(how.gapMs)} before`;
    case "silence":
      return `${how.from} had been silent for ${formatMs(how.gapMs)}`;
    case "preempted":
      return `it outranks ${how.from}`;
    case "against-rank":
      return `${how.from}, which outranks it, speaks no more`;
    case "back":
      return `it speaks again after ${formatMs(how.gapMs)}`;
    default:
      return unreachable(how);
  }
}
