import type { Complaint, FindingCode, Place } from "./complaint.ts";
import { compareHeard, pairCodes, pairOf } from "./compare.ts";
import { allowedByFile, fileCodes, isInFile, judgeByFile, type Expectations } from "./file-rules.ts";
import type { Heard } from "./heard.ts";
import { allowedUsually, judgeHeard, soloCodes } from "./judge.ts";
import type { Ledger } from "./ledger.ts";
import { Replays } from "./replays.ts";
import { howText, type How, type Reign, type RoleNote, Roles } from "./roles.ts";
import { formatMs } from "../vrrp/timers.ts";

/** PURE: everything that is known of one VRID of one family on one link. */

/** One router of it. */
export interface Speaker {
  /** Its last word with a claim in it, if it ever had one. */
  readonly last: Heard;
  readonly mac: string | null;
  readonly count: number;
}

/** Words that old say nothing about how a router is set up now. */
const longestMemoryMs = 600_000;
const mostSpeakers = 32;

/** One virtual router as the wire shows it. */
export class VirtualRouter {
  readonly place: Place;
  readonly #ledger: Ledger;
  readonly #expected: Expectations | null;
  readonly #roles = new Roles();
  readonly #replays = new Replays();
  readonly #speakers = new Map<string, Speaker>();
  /** By pair. */
  readonly #splits = new Map<string, Complaint>();
  #flaps: readonly string[] | null = null;

  constructor(place: Place, around: { readonly ledger: Ledger; readonly expected: Expectations | null }) {
    this.place = place;
    this.#ledger = around.ledger;
    this.#expected = around.expected;
  }

  get speakers(): ReadonlyMap<string, Speaker> {
    return this.#speakers;
  }

  get active(): Roles["active"] {
    return this.#roles.active;
  }

  /** Says who was active for how long. */
  reigns(atMs: number): readonly Reign[] {
    return this.#roles.reigns(atMs);
  }

  /** Takes an advertisement. */
  hear(heard: Heard): void {
    const { source, atMs } = heard;
    const about = [source];
    const expected = this.#expected;
    const allowed = expected === null ? allowedUsually : allowedByFile(expected, heard);
    this.#ledger.update(
      this.place,
      { codes: soloCodes, about, complaints: judgeHeard(heard, allowed) },
      atMs,
    );
    if (expected !== null) this.#compareWithFile(expected, heard);
    const replay = this.#replays.hear(heard);
    if (replay !== null) this.#ledger.raise(this.place, replay, atMs);
    if (!this.#remember(heard)) return;
    this.#compare(heard);
    // What is replayed says nothing about who is active now.
    if (replay === null) this.#tell(this.#roles.hear(heard));
  }

  /** Lets time pass. */
  advance(atMs: number): void {
    this.#tell(this.#roles.advance(atMs));
  }

  #compareWithFile(expected: Expectations, heard: Heard): void {
    const { source, atMs } = heard;
    if (!isInFile(expected, heard) && !this.#speakers.has(source)) {
      const text = `${expected.file} has no such virtual router: ${source} belongs to another group`;
      this.#ledger.tell(this.place, text, atMs);
    }
    const complaints = judgeByFile(expected, heard);
    this.#ledger.update(this.place, { codes: fileCodes, about: [source], complaints }, atMs);
  }

  #remember(heard: Heard): boolean {
    const { source } = heard;
    const before = this.#speakers.get(source);
    if (before === undefined && this.#speakers.size >= mostSpeakers) return false;
    const isClaim = heard.advert.priority > 0 || before === undefined;
    const last = isClaim ? heard : { ...before.last, atMs: heard.atMs };
    this.#speakers.set(source, { last, mac: heard.packet.sourceMac, count: (before?.count ?? 0) + 1 });
    return true;
  }

  #compare(heard: Heard): void {
    for (const [source, { last }] of this.#speakers) {
      if (source === heard.source || heard.atMs - last.atMs > longestMemoryMs) continue;
      const about = pairOf(heard, last).map((one) => one.source);
      const complaints = compareHeard(heard, last);
      this.#ledger.update(this.place, { codes: pairCodes, about, complaints }, heard.atMs);
    }
  }

  #tell(notes: readonly RoleNote[]): void {
    for (const note of notes) this.#tellOne(note);
  }

  #tellOne(note: RoleNote): void {
    const { atMs } = note;
    switch (note.kind) {
      case "active":
        return this.#tellActive(note.heard, note.how);
      case "resigned":
        return this.#ledger.tell(this.place, `${note.heard.source} resigns (priority 0)`, atMs);
      case "silent":
      case "dark":
        return this.#ledger.raise(this.place, silenceComplaint(note.kind, note.heard, note.silenceMs), atMs);
      case "split":
        return this.#tellSplit(pairOf(...note.pair), atMs);
      case "united":
        for (const complaint of this.#splits.values()) this.#ledger.settle(this.place, complaint, atMs);
        this.#splits.clear();
        return;
      case "flapping": {
        const text = `the role changed ${note.changes} times in ${formatMs(note.spanMs)} between ${note.sources.join(" and ")}`;
        const advice =
          "look for a track or a link that comes and goes; preempt_delay, or preempt = false, calms it";
        this.#flaps = [...note.sources].toSorted();
        return this.#ledger.raise(
          this.place,
          { code: "flapping", severity: "error", about: this.#flaps, text, advice },
          atMs,
        );
      }
      case "steady":
        if (this.#flaps !== null)
          this.#ledger.settle(this.place, { code: "flapping", about: this.#flaps }, atMs);
        return;
    }
  }

  #tellSplit(pair: readonly [Heard, Heard], atMs: number): void {
    const key = pair.map(({ source }) => source).join(" ");
    const cause = splitCause(pair);
    const before = this.#splits.get(key);
    // Once the cause is removed it is over soon: that the two still take turns for a moment is no other cause.
    const complaint = cause === null && before !== undefined ? before : splitComplaint(pair, cause);
    this.#splits.set(key, complaint);
    this.#ledger.raise(this.place, complaint, atMs);
  }

  #tellActive(heard: Heard, how: How): void {
    const { source, atMs, advert } = heard;
    this.#ledger.tell(
      this.place,
      `${source} is active with priority ${advert.priority}: ${howText(how)}`,
      atMs,
    );
    for (const code of ["silent", "nobody-took-over"] as const) {
      for (const about of this.#speakers.keys())
        this.#ledger.settle(this.place, { code, about: [about] }, atMs);
    }
    // Who outranks its successor and has not resigned was missed by it, by BFD where it was sooner than by silence.
    if (how.kind !== "silence" && how.kind !== "against-rank") return;
    const text = `${how.from} fell silent without resigning, and ${source} took over`;
    const advice = `find out what happened to ${how.from}: it died, lost its link, or was too busy`;
    // It is over as it is said: the next one is news again.
    const complaint: Complaint = {
      code: "takeover",
      severity: "warning",
      about: [how.from, source],
      text,
      advice,
    };
    this.#ledger.raise(this.place, complaint, atMs);
    this.#ledger.forget(this.place, complaint);
  }
}

function silenceComplaint(kind: "silent" | "dark", { source, advert }: Heard, silenceMs: number): Complaint {
  if (kind === "dark") {
    return {
      code: "nobody-took-over",
      severity: "error",
      about: [source],
      text: `${source} resigned and nobody took over ${advert.addresses.join(", ")}`,
      advice: "see that another node runs, hears this one, and does not withdraw its claim",
    };
  }
  const text = `${source} has been silent for three intervals and more (${formatMs(silenceMs)}), and nobody took over ${advert.addresses.join(", ")}`;
  return {
    code: "silent",
    severity: "error",
    about: [source],
    text,
    advice: "see that a node runs; if one does, its advertisements do not get here",
  };
}

/** Warnings that some routers make a split brain of. */
const splitting: ReadonlySet<FindingCode> = new Set([
  "authentication-differs",
  "list-differs",
  "checksum-differs",
]);

/** What explains best that two routers do not give way to each other; null is nothing that is seen here. */
function splitCause([a, b]: readonly [Heard, Heard]): Complaint | null {
  const reason = compareHeard(a, b).find(({ code, severity }) => severity === "error" || splitting.has(code));
  return reason ?? [a, b].flatMap((one) => judgeHeard(one)).find(({ code }) => code === "ttl") ?? null;
}

function splitComplaint([a, b]: readonly [Heard, Heard], cause: Complaint | null): Complaint {
  const text = cause?.text ?? "nothing in what they say explains it: at least one does not hear the other";
  const advice =
    cause?.advice ??
    "look for a firewall on either node (IP protocol 112), a switch that filters multicast, a cut between the nodes";
  return {
    code: "split-brain",
    severity: "error",
    about: [a.source, b.source],
    text: `split brain: ${a.source} and ${b.source} are both active (priorities ${a.advert.priority} and ${b.advert.priority}): ${text}`,
    advice,
  };
}
